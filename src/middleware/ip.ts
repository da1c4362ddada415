/** `ip`: who may come, by the address of the client: the peer's, or what a trusted proxy says (`forwardedAllowIps`). */
import { ipOptions } from '../config/middleware/ip.js';
import { GatewayError } from '../errors.js';
import { parseTrustedProxies } from '../http/forwarded.js';
import { defineMiddleware } from './define.js';

/** Clients of a Unix-domain socket have no address: they are allowed unless addresses are, and cannot be denied. */
export const ip = defineMiddleware('ip', ipOptions, ({ allow, deny }) => {
  const allowed = allow === undefined ? undefined : parseTrustedProxies(allow.join());
  const denied = parseTrustedProxies((deny ?? []).join());
  return (next) => (request) => {
    const { clientAddress } = request;
    const isAllowed = clientAddress === '' ? allowed === undefined : allowed?.trusts(clientAddress) !== false;
    if (isAllowed && (clientAddress === '' || !denied.trusts(clientAddress))) return next(request);
    throw new GatewayError(
      403,
      'XGI_IP_DENIED',
      `${clientAddress || 'a client without an address'} may not come here`,
    );
  };
});
