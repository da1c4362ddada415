/** The middleware that comes with xgi, each loaded when it is wanted. Their options: `config/middleware/ready.ts`. */
import type { ReadyName } from '../config/middleware/ready.js';
import type { MiddlewareContext } from '../middleware/define.js';
import type { Middleware } from '../types.js';

/** Its options have been parsed by the schema of that name. */
interface Ready {
  create(options: never, context: MiddlewareContext): Middleware;
}

const LOADERS: Readonly<Record<ReadyName, () => Promise<Ready>>> = {
  accessLog: async () => (await import('../middleware/access-log.js')).accessLog,
  basicAuth: async () => (await import('../middleware/basic-auth.js')).basicAuth,
  bearer: async () => (await import('../middleware/bearer.js')).bearer,
  cache: async () => (await import('../middleware/cache.js')).cache,
  compression: async () => (await import('../middleware/compression.js')).compression,
  concurrency: async () => (await import('../middleware/concurrency.js')).concurrency,
  cors: async () => (await import('../middleware/cors.js')).cors,
  errorPages: async () => (await import('../middleware/error-pages.js')).errorPages,
  forwardAuth: async () => (await import('../middleware/forward-auth.js')).forwardAuth,
  headers: async () => (await import('../middleware/headers.js')).headers,
  injectHtml: async () => (await import('../middleware/inject-html.js')).injectHtml,
  ip: async () => (await import('../middleware/ip.js')).ip,
  limits: async () => (await import('../middleware/limits.js')).limits,
  mount: async () => (await import('../middleware/mount.js')).mount,
  rateLimit: async () => (await import('../middleware/rate-limit.js')).rateLimit,
  redirect: async () => (await import('../middleware/redirect.js')).redirect,
  requestId: async () => (await import('../middleware/request-id.js')).requestId,
  rewrite: async () => (await import('../middleware/rewrite.js')).rewrite,
  traceparent: async () => (await import('../middleware/traceparent.js')).traceparent,
  xslt: async () => (await import('../middleware/xslt.js')).xslt,
};

/** @throws ConfigError for options that turn out not to be of use */
export async function createReadyMiddleware(
  name: ReadyName,
  options: unknown,
  context: MiddlewareContext,
): Promise<Middleware> {
  const ready = await LOADERS[name]();
  return ready.create(options as never, context);
}
