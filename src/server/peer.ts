/** The two ends of a connection. */
import type { Socket } from 'node:net';
import type { Peer } from '../types.js';

/** Read while the socket is open: afterwards the system does not know them any more. */
export function peerOf(socket: Socket): Peer {
  return {
    remoteAddress: plainIPv4(socket.remoteAddress ?? ''),
    remotePort: socket.remotePort ?? 0,
    localAddress: plainIPv4(socket.localAddress ?? ''),
    localPort: socket.localPort ?? 0,
  };
}

/** A dual-stack socket shows IPv4 peers as `::ffff:192.0.2.1`. */
function plainIPv4(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.substring(7) : address;
}
