import { isIPv4, SocketAddress } from 'node:net';

/** A dual-stack socket shows IPv4 peers as `::ffff:192.0.2.1`. */
export function plainIPv4(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.substring(7) : address;
}

/** As the system writes the address of a socket, so that each has one form. @param address an IP address without zone */
export function canonicalAddress(address: string): string {
  return isIPv4(address) ? address : plainIPv4(new SocketAddress({ address, family: 'ipv6' }).address);
}
