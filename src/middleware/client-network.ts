/** Clients, as those are told apart that are counted. */
import { isIPv6 } from 'node:net';

/** What counts as one client: an address, or the network of an IPv6 address. An IPv6 client has as many addresses as it likes, in 64 bits. */
export function networkOf(address: string): string {
  if (!isIPv6(address)) return address;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  const [front = '', back] = address.split('::');
  const groups = front === '' ? [] : front.split(':');
  const end = back === undefined || back === '' ? [] : back.split(':');
  const zeros =
    back === undefined ? [] : Array.from({ length: Math.max(0, 8 - groups.length - end.length) }, () => '0');
  return [...groups, ...zeros, ...end]
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':');
}
