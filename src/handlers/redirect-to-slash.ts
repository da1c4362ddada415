import { ResponseHead } from '../http/response-head.js';
import type { GatewayRequest, GatewayResponse } from '../types.js';

/** To the folder, so that relative links in its index lead into it. */
export function redirectToSlash({ mount, path, query }: GatewayRequest): GatewayResponse {
  // Two slashes at the front would be another host.
  const location = `/${(mount + path).replace(/^\/+/, '')}/${query === '' ? '' : `?${query}`}`;
  return { head: new ResponseHead(301, ['Location', location]), body: { kind: 'empty' } };
}
