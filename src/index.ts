/** The public API of xgi. */
// Its types use those of Node: with them comes what a project has to know of Node, whatever its own `types` are.
/// <reference types="node" preserve="true" />
export type * from './types.js';
export { createServer, type GatewayServer } from './library/gateway-server.js';
export { app, cgi, serveStatic, wsgi } from './library/applications.js';
export type { ApplicationHandler } from './library/application-handler.js';
export {
  type FastifyScope,
  type MountOptions,
  toFastify,
  toFetch,
  toNodeListener,
} from './library/mounting.js';
export type { ApplicationOptions, InlineOptions, LibraryOptions, ServerSettings } from './library/options.js';
export type { FetchHandler, FetchPeer } from './adapters/fetch.js';
export type { NodeListener, NodeRequest, NodeResponse } from './adapters/node-listener.js';
export {
  BootError,
  ConfigError,
  type ErrorCode,
  GatewayError,
  ListenError,
  LocalProtocolError,
  RemoteProtocolError,
  XgiError,
  type XgiErrorOptions,
} from './errors.js';
export { disposeBody } from './bodies/dispose-body.js';
export { type Chunks, iterableBody, type IterableBodyOptions, streamBody } from './bodies/iterable-body.js';
export { collectBody, givenBody, requestChunks } from './bodies/request-bytes.js';
export { responseChunks } from './bodies/response-chunks.js';
export { DEFAULT_DEADLINES, DEFAULT_LIMITS } from './config/defaults.js';
export { defineConfig } from './config/define.js';
export type { UserMiddleware } from './config/middleware.js';
export type { ErrorPageFailure, ErrorPageHandler } from './config/middleware/error-pages.js';
export type { UserConfig } from './config/schema.js';
export { decodePath } from './gateway/decode-path.js';
export { createAppHandler } from './handlers/app/app.js';
export type { FetchApplication, FetchContext } from './handlers/app/fetch.js';
export { fromWsgi, type FromWsgiOptions } from './handlers/app/from-wsgi.js';
export { toWsgi } from './handlers/app/to-wsgi.js';
export type {
  Environ,
  StartResponse,
  Write,
  WsgiApplication,
  WsgiBody,
  WsgiErrors,
  WsgiInput,
} from './handlers/app/wsgi-types.js';
export { validator, type ValidatorOptions } from './handlers/app/wsgi-validator.js';
export { createCgiHandler, type CgiHandlerOptions } from './handlers/cgi/cgi.js';
export type { Site } from './handlers/cgi/cgi-site.js';
export type { CacheControlRule } from './handlers/static/cache-control.js';
export { createStaticHandler, type StaticHandlerOptions } from './handlers/static/static.js';
export { createWsgiHandler, type WorkerPool, type WsgiHandlerOptions } from './handlers/wsgi.js';
export { parseTrustedProxies, type TrustedProxies } from './http/forwarded.js';
export { deriveRequest, type RequestChanges } from './http/derived-request.js';
export { combinedValue, firstValue, withField, withoutFields } from './http/field-values.js';
export type { CacheStore, StoredEntry, StoredResponse, StoredVariants } from './http/stored-response.js';
export { ResponseHead } from './http/response-head.js';
export { accessLog } from './middleware/access-log.js';
export { basicAuth } from './middleware/basic-auth.js';
export { bearer } from './middleware/bearer.js';
export { cache } from './middleware/cache.js';
export { compression } from './middleware/compression.js';
export { concurrency } from './middleware/concurrency.js';
export { cors } from './middleware/cors.js';
export { errorPages } from './middleware/error-pages.js';
export { forwardAuth } from './middleware/forward-auth.js';
export { headers } from './middleware/headers.js';
export { injectHtml } from './middleware/inject-html.js';
export { ip } from './middleware/ip.js';
export { limits } from './middleware/limits.js';
export { mount } from './middleware/mount.js';
export { rateLimit } from './middleware/rate-limit.js';
export { redirect } from './middleware/redirect.js';
export { requestId } from './middleware/request-id.js';
export { rewrite } from './middleware/rewrite.js';
export { type BodyTransform, transformBody } from './middleware/transform-body.js';
export { traceparent } from './middleware/traceparent.js';
export { xslt } from './middleware/xslt.js';
export { requestFinish, type RequestFinish } from './observe/channels.js';
export { ProgramPool, type ProgramPoolOptions } from './programs/program-pool.js';
export { Server, type ServerOptions } from './server/server.js';
export type { Listening, ListenOptions } from './server/listener.js';
export type { ProgramLimits } from './wire/frames.js';
export type { Job, JobStream } from './workers/job.js';
export { Supervisor, type SupervisorOptions } from './workers/supervisor.js';
