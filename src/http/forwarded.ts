/**
 * What trusted proxies say of the client: X-Forwarded-For and X-Forwarded-Proto. Pure.
 *
 * A field counts only as far as each hop that wrote it is trusted: the list is read from its right end, where our own
 * peer wrote, and the first address that is not a trusted proxy is the client.
 */
import { BlockList, isIP, isIPv6 } from 'node:net';
import { ConfigError } from '../errors.js';

export interface TrustedProxies {
  /** @param address a peer's address without port; '' for the peer of a Unix-domain socket, trusted unless nobody is */
  trusts(address: string): boolean;
}

/**
 * Reads `*`, '' (nobody), or addresses and ranges with commas between: `127.0.0.1,10.0.0.0/8,::1`.
 *
 * @throws ConfigError XGI_CONFIG_VALUE
 */
export function parseTrustedProxies(text: string): TrustedProxies {
  const members = text.split(',').map((member) => member.trim());
  if (members.includes('*')) return { trusts: () => true };
  const list = new BlockList();
  let some = false;
  for (const member of members) {
    if (member === '') continue;
    add(list, member);
    some = true;
  }
  // Connections come from few proxies: remember what was asked last.
  let lastAddress: string | undefined;
  let lastAnswer = false;
  return {
    trusts(address) {
      if (!some) return false;
      if (address === '') return true;
      if (address !== lastAddress) {
        lastAddress = address;
        lastAnswer = isIP(address) !== 0 && list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
      }
      return lastAnswer;
    },
  };
}

function add(list: BlockList, member: string): void {
  const [address = '', prefix, ...rest] = member.split('/');
  const family = isIPv6(address) ? 'ipv6' : 'ipv4';
  const bits = family === 'ipv6' ? 128 : 32;
  if (isIP(address) === 0 || rest.length > 0) refuse(member);
  if (prefix === undefined) {
    list.addAddress(address, family);
  } else {
    if (!/^[0-9]{1,3}$/.test(prefix) || Number(prefix) > bits) refuse(member);
    list.addSubnet(address, Number(prefix), family);
  }
}

function refuse(member: string): never {
  throw new ConfigError(
    'XGI_CONFIG_VALUE',
    `expected addresses or ranges with commas between, "*" or nothing, received ${JSON.stringify(member)}`,
  );
}

/** The client's address by X-Forwarded-For, or undefined if the field gives none. */
export function forwardedClient(values: string, proxies: TrustedProxies): string | undefined {
  const hops = values.split(',');
  let client: string | undefined;
  for (let i = hops.length - 1; i >= 0; i--) {
    const address = plainAddress(hops[i]!.trim());
    // What stands left of a member that is no address was written by somebody we know nothing of.
    if (address === undefined) break;
    client = address;
    if (!proxies.trusts(address)) break;
  }
  return client;
}

/** `https` or `http` by X-Forwarded-Proto, or undefined if the last member says neither. */
export function forwardedScheme(values: string): 'http' | 'https' | undefined {
  const last = values
    .substring(values.lastIndexOf(',') + 1)
    .trim()
    .toLowerCase();
  return last === 'https' || last === 'http' ? last : undefined;
}

/** Without brackets and port: some proxies write `[::1]:1234` and `10.0.0.1:1234`. */
function plainAddress(text: string): string | undefined {
  if (isIP(text) !== 0) return text;
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+))(?::[0-9]+)?$/.exec(text);
  const address = match?.[1] ?? match?.[2];
  return address !== undefined && isIP(address) !== 0 ? address : undefined;
}
