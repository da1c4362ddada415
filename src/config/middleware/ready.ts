/** The middleware that comes with xgi, and the options of each; `service/ready-middleware.ts` has what makes them. */
import type { z } from 'zod/v3';
import { accessLogOptions } from './access-log.js';
import { basicAuthOptions } from './basic-auth.js';
import { bearerOptions } from './bearer.js';
import { cacheOptions } from './cache.js';
import { compressionOptions } from './compression.js';
import { concurrencyOptions } from './concurrency.js';
import { corsOptions } from './cors.js';
import { errorPagesOptions } from './error-pages.js';
import { forwardAuthOptions } from './forward-auth.js';
import { headersOptions } from './headers.js';
import { injectHtmlOptions } from './inject-html.js';
import { ipOptions } from './ip.js';
import { limitsOptions } from './limits.js';
import { mountOptions } from './mount.js';
import { rateLimitOptions } from './rate-limit.js';
import { redirectOptions } from './redirect.js';
import { requestIdOptions } from './request-id.js';
import { rewriteOptions } from './rewrite.js';
import { traceparentOptions } from './traceparent.js';
import { xsltOptions } from './xslt.js';

export const READY_MIDDLEWARE = {
  accessLog: accessLogOptions,
  basicAuth: basicAuthOptions,
  bearer: bearerOptions,
  cache: cacheOptions,
  compression: compressionOptions,
  concurrency: concurrencyOptions,
  cors: corsOptions,
  errorPages: errorPagesOptions,
  forwardAuth: forwardAuthOptions,
  headers: headersOptions,
  injectHtml: injectHtmlOptions,
  ip: ipOptions,
  limits: limitsOptions,
  mount: mountOptions,
  rateLimit: rateLimitOptions,
  redirect: redirectOptions,
  requestId: requestIdOptions,
  rewrite: rewriteOptions,
  traceparent: traceparentOptions,
  xslt: xsltOptions,
} as const;

/** Options that are looked at when the middleware is loaded, as they have to do with a file or with this Node: messages name them then. */
export const LOADED_OPTIONS: Readonly<Partial<Record<string, readonly string[]>>> = {
  accessLog: ['file', 'format'],
  basicAuth: ['file', 'users'],
  bearer: ['keyFile'],
  compression: ['codings'],
  errorPages: ['pages'],
  xslt: ['stylesheet'],
} satisfies Partial<Record<ReadyName, readonly string[]>>;

export type ReadyName = keyof typeof READY_MIDDLEWARE;

/** Options as a person writes them. */
export type ReadyMiddlewareOptions = {
  readonly [Name in ReadyName]?: z.input<(typeof READY_MIDDLEWARE)[Name]>;
};

export function isReadyName(name: string): name is ReadyName {
  return Object.hasOwn(READY_MIDDLEWARE, name);
}
