/** A dual-stack socket shows IPv4 peers as `::ffff:192.0.2.1`. */
export function plainIPv4(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.substring(7) : address;
}
