import { GatewayError } from '../errors.js';

/**
 * What a request without an answer ends with when its client goes, for nobody to read. It has to end: what stands in front of a handler counts
 * the requests that it has not answered.
 */
export function clientGone(): GatewayError {
  return new GatewayError(499, 'XGI_HTTP_CLIENT_GONE', 'the client has gone');
}
