/**
 * `mount`: what is behind it lies below a path, which it sees as SCRIPT_NAME (PEP 3333; werkzeug calls it a DispatcherMiddleware). A request
 * that is not below it is not found.
 */
import { mountOptions } from '../config/middleware/mount.js';
import { GatewayError } from '../errors.js';
import { deriveRequest } from '../http/derived-request.js';
import { behindMount } from '../routing/mount.js';
import { defineMiddleware } from './define.js';

/** Moves `path` from the front of a request's path to its mount. Throws GatewayError 404 `XGI_ROUTE_NONE` for what is not below it. */
export const mount = defineMiddleware('mount', mountOptions, ({ path: front }) => (next) => (request) => {
  const { path } = request;
  const rest = behindMount(path, front);
  if (rest === undefined) throw new GatewayError(404, 'XGI_ROUTE_NONE', 'nothing is served here');
  // As it was written: an application makes links of it.
  const written = path.slice(0, path.length - rest.length);
  return next(deriveRequest(request, { mount: request.mount + written, path: rest }));
});
