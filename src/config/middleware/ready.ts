/** The middleware that comes with xgi, and the options of each; `service/ready-middleware.ts` has what makes them. */
import type { z } from 'zod/v3';
import { headersOptions } from './headers.js';

export const READY_MIDDLEWARE = {
  headers: headersOptions,
} as const;

export type ReadyName = keyof typeof READY_MIDDLEWARE;

/** Options as a person writes them. */
export type ReadyMiddlewareOptions = {
  readonly [Name in ReadyName]?: z.input<(typeof READY_MIDDLEWARE)[Name]>;
};

export function isReadyName(name: string): name is ReadyName {
  return Object.hasOwn(READY_MIDDLEWARE, name);
}
