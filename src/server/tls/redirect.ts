/** Sends clients that speak plain HTTP to the same place with TLS. */
import { isIPv4 } from 'node:net';
import { RemoteProtocolError } from '../../errors.js';
import { ResponseHead } from '../../http/response-head.js';
import type { Handler } from '../../types.js';

/** Where there is TLS. */
export interface SecureEndpoint {
  /** `0.0.0.0` and `::` are all addresses. */
  readonly address: string;
  readonly port: number;
}

const HTTPS_PORT = 443;

/**
 * Answers everything with 308, which keeps method and body (RFC 9110 section 15.4.9).
 *
 * @param endpoints looked at for each request; 443 if there is none
 */
export function redirectToTls(endpoints: readonly SecureEndpoint[]): Handler {
  return ({ authority, path, query, peer }) => {
    const host = authority.replace(/:[0-9]*$/, '');
    if (host === '') throw new RemoteProtocolError(400, 'XGI_HTTP_HOST', 'Host is missing');
    const port = choosePort(endpoints, peer.localAddress);
    // OPTIONS asks the server as a whole.
    const place = path === '*' ? '/' : path;
    const location = `https://${host}${port === HTTPS_PORT ? '' : `:${port}`}${place}${query === '' ? '' : `?${query}`}`;
    return { head: new ResponseHead(308, ['Location', location]), body: { kind: 'empty' } };
  };
}

/**
 * Of the endpoints that listen on the address to which a client has connected, since those it reaches; of all, if none does, for addresses may be mapped
 * before us: 443 if it is among them, else the first.
 */
export function choosePort(endpoints: readonly SecureEndpoint[], localAddress: string): number {
  const near = endpoints.filter(({ address }) => listensOn(address, localAddress));
  const ports = (near.length > 0 ? near : endpoints).map(({ port }) => port);
  return ports.includes(HTTPS_PORT) ? HTTPS_PORT : (ports[0] ?? HTTPS_PORT);
}

function listensOn(address: string, localAddress: string): boolean {
  return address === localAddress || address === '::' || (address === '0.0.0.0' && isIPv4(localAddress));
}
