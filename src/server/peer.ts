/** The two ends of a connection. */
import type { Socket } from 'node:net';
import { plainIPv4 } from '../http/ip-address.js';
import type { Peer } from '../types.js';

/**
 * @returns undefined if the client has reset the connection already: then nobody knows its address any more, and what it had sent
 * must not be taken for a Unix-domain peer's
 */
export function peerOf(socket: Socket, isUnix: boolean): Peer | undefined {
  if (!isUnix && socket.remoteAddress === undefined) return undefined;
  return {
    isUnix,
    remoteAddress: plainIPv4(socket.remoteAddress ?? ''),
    remotePort: socket.remotePort ?? 0,
    localAddress: plainIPv4(socket.localAddress ?? ''),
    localPort: socket.localPort ?? 0,
    tls: null,
  };
}
