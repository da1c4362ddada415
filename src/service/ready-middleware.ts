/** The middleware that comes with xgi, each loaded when it is wanted. Their options: `config/middleware/ready.ts`. */
import type { ReadyName } from '../config/middleware/ready.js';
import type { MiddlewareContext } from '../middleware/define.js';
import type { Middleware } from '../types.js';

/** Its options have been parsed by the schema of that name. */
interface Ready {
  create(options: never, context: MiddlewareContext): Middleware;
}

const LOADERS: Readonly<Record<ReadyName, () => Promise<Ready>>> = {
  headers: async () => (await import('../middleware/headers.js')).headers,
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
