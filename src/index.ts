/** The public API of xgi. */
export type * from './types.js';
export * from './errors.js';
export { DEFAULT_DEADLINES, DEFAULT_LIMITS } from './config/defaults.js';
export { defineConfig } from './config/define.js';
export type { UserConfig } from './config/schema.js';
export { createCgiHandler, type CgiHandlerOptions } from './handlers/cgi/cgi.js';
export type { Site } from './handlers/cgi/cgi-site.js';
export { createWsgiHandler, type WorkerPool, type WsgiHandlerOptions } from './handlers/wsgi.js';
export { parseTrustedProxies, type TrustedProxies } from './http/forwarded.js';
export { ResponseHead } from './http/response-head.js';
export { requestFinish, type RequestFinish } from './observe/channels.js';
export { ProgramPool, type ProgramPoolOptions } from './programs/program-pool.js';
export { Server, type ServerOptions } from './server/server.js';
export type { Listening, ListenOptions } from './server/listener.js';
export type { ProgramLimits } from './wire/frames.js';
export type { Job, JobStream } from './workers/job.js';
export { Supervisor, type SupervisorOptions } from './workers/supervisor.js';
