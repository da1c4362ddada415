/** SERVER_NAME and SERVER_PORT (RFC 3875 sections 4.1.14 and 4.1.15). */
import type { GatewayRequest } from '../types.js';

export interface ServerAddress {
  /** A name or an address; an IPv6 address has its brackets. */
  readonly name: string;
  readonly port: string;
}

let lastAuthority = '';
let lastServer: ServerAddress = { name: '', port: '' };

/** From the authority, else from the socket. */
export function serverOf(request: GatewayRequest): ServerAddress {
  const { authority, scheme, peer } = request;
  if (authority === '') {
    const { localAddress } = peer;
    return {
      name: localAddress.includes(':') ? `[${localAddress}]` : localAddress || 'localhost',
      port: String(peer.localPort || (scheme === 'https' ? 443 : 80)),
    };
  }
  // The key holds the scheme, because it decides the default port.
  const key = `${scheme} ${authority}`;
  if (key !== lastAuthority) {
    const colon = authority.lastIndexOf(':');
    const hasPort = colon !== -1 && !authority.endsWith(']');
    const port = hasPort ? authority.substring(colon + 1) : '';
    lastServer = {
      name: hasPort ? authority.substring(0, colon) : authority,
      port: port || (scheme === 'https' ? '443' : '80'),
    };
    lastAuthority = key;
  }
  return lastServer;
}
