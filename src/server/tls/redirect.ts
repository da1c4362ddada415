/** Sends clients that speak plain HTTP to the same place with TLS. */
import { RemoteProtocolError } from '../../errors.js';
import { ResponseHead } from '../../http/response-head.js';
import type { Handler } from '../../types.js';

/**
 * Answers everything with 308, which keeps method and body (RFC 9110 section 15.4.9).
 *
 * @param port of the endpoint with TLS, '' for 443; asked for each request
 */
export function redirectToTls(port: () => string): Handler {
  return ({ authority, path, query }) => {
    const host = authority.replace(/:[0-9]*$/, '');
    if (host === '') throw new RemoteProtocolError(400, 'XGI_HTTP_HOST', 'Host is missing');
    const to = port();
    const location = `https://${host}${to === '' ? '' : `:${to}`}${path}${query === '' ? '' : `?${query}`}`;
    return { head: new ResponseHead(308, ['Location', location]), body: { kind: 'empty' } };
  };
}
