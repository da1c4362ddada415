/** `redirect`: sends clients to where something is now, to https, or to the one name of a site. The rest goes on. */
import { redirectOptions } from '../config/middleware/redirect.js';
import { withQuery } from '../http/location.js';
import { ResponseHead } from '../http/response-head.js';
import { compilePathRules } from '../routing/path-rules.js';
import type { GatewayRequest } from '../types.js';
import { defineMiddleware } from './define.js';

/**
 * Answers with a redirect, by default 308, which keeps method and body. Throws GatewayError 400 or 404 `XGI_ROUTE_PATH` for a path that can be read
 * in two ways.
 */
export const redirect = defineMiddleware('redirect', redirectOptions, (options) => {
  const { paths = [], https = false, host, status = 308 } = options;
  const moved = compilePathRules(paths);
  return (next) => (request) => {
    const to = moved(request);
    const location = to === undefined ? elsewhere(request, https, host) : withQuery(to, request.query);
    if (location === undefined) return next(request);
    return { head: new ResponseHead(status, ['Location', location]), body: { kind: 'empty' } };
  };
});

/** The same on the host, or with the scheme, that it should have been; undefined if it is there. */
function elsewhere(request: GatewayRequest, https: boolean, host: string | undefined): string | undefined {
  const { authority, scheme, mount, path, query } = request;
  const isElsewhere = host !== undefined && authority.toLowerCase() !== host;
  const isPlain = https && scheme === 'http';
  // HTTP/1.0 without Host: nobody knows where the same would be.
  if ((!isElsewhere && !isPlain) || (host === undefined && authority === '')) return undefined;
  const wanted = host ?? authority.replace(/:\d*$/, '');
  return withQuery(`${https ? 'https' : scheme}://${wanted}${mount}${path === '*' ? '' : path}`, query);
}
