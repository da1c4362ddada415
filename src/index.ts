/** The public API of xgi. */
export type * from './types.js';
export * from './errors.js';
export { ResponseHead } from './http/response-head.js';
export { parseTrustedProxies, type TrustedProxies } from './http/forwarded.js';
export { Server, type ServerOptions } from './server/server.js';
export { createWsgiHandler, type WsgiHandlerOptions, type WorkerPool } from './handlers/wsgi.js';
export { Supervisor, type SupervisorOptions } from './workers/supervisor.js';
export { requestFinish, type RequestFinish } from './observe/channels.js';
