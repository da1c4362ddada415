/**
 * What trusted proxies say of the client: X-Forwarded-For, X-Forwarded-Proto and Forwarded (RFC 7239). Pure.
 *
 * A field counts only as far as each hop that wrote it is trusted: the list is read from its right end, where our own
 * peer wrote, and the first address that is not a trusted proxy is the client.
 */
import { BlockList, isIP, isIPv6 } from 'node:net';
import { ConfigError, RemoteProtocolError } from '../errors.js';
import { formatReceived } from '../errors/received.js';
import { canonicalAddress } from './ip-address.js';
import type { Fields } from '../types.js';
import { combinedValue } from './field-values.js';

/** Addresses whose word about their clients counts; {@link parseTrustedProxies} makes them. */
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
    `expected addresses or ranges with commas between, "*" or nothing, received ${formatReceived(member)}`,
  );
}

/** What a trusted proxy says; undefined where it says nothing that can be used. */
export interface Forwarding {
  readonly client: string | undefined;
  readonly scheme: 'http' | 'https' | undefined;
}

/**
 * By all fields of the kind. A proxy that sets one of them passes on what the client wrote in the other; so they have to agree, or
 * every client could choose.
 *
 * @throws RemoteProtocolError `XGI_HTTP_FORWARDED` if they do not, or if a Forwarded cannot be read
 */
export function readForwarding(fields: Fields, proxies: TrustedProxies): Forwarding {
  const hops = combinedValue(fields, 'x-forwarded-for');
  const protocols = combinedValue(fields, 'x-forwarded-proto');
  const forwarded = combinedValue(fields, 'forwarded');
  const client = hops === undefined ? undefined : forwardedClient(hops, proxies);
  const scheme = protocols === undefined ? undefined : forwardedScheme(protocols);
  if (forwarded === undefined) return { client, scheme };
  const standard = readForwarded(forwarded, proxies);
  return {
    client: agreed(client, standard.client, 'X-Forwarded-For'),
    scheme: agreed(scheme, standard.scheme, 'X-Forwarded-Proto'),
  };
}

function agreed<T extends string>(one: T | undefined, standard: T | undefined, name: string): T | undefined {
  if (one === undefined || standard === undefined || one === standard) return one ?? standard;
  throw new RemoteProtocolError(
    400,
    'XGI_HTTP_FORWARDED',
    `${name} says ${one}, and Forwarded ${standard}: let the proxy set, or remove, both`,
  );
}

/**
 * The standard field, those that proxies commonly set, and those of the large delivery networks: who the client is, and by which scheme it
 * came. Frameworks believe some of them unasked. Also as they would be written for the environment of a program.
 */
const FORWARDING = new RegExp(
  `^(?:${[
    'forwarded',
    'x-forwarded(?:-.*)?',
    'x-original-forwarded-for',
    'x-real-ip',
    'x-(?:cluster-)?client-ip',
    '(?:true-|fastly-)?client-ip',
    'cf-connecting-ip(?:v6)?',
    'x-(?:url-)?scheme',
    'front-end-https',
  ]
    .join('|')
    .replaceAll('-', '[-_]')})$`,
  'i',
);

/** Without what says who the client is; the same array if there is nothing of that kind, as there is in most requests. */
export function withoutForwarding(fields: Fields): Fields {
  for (let i = 0; i < fields.length; i += 2)
    if (isForwarding(fields[i]!)) return fields.filter((_, at) => !isForwarding(fields[at & ~1]!));
  return fields;
}

/** Most names are told apart by a letter or two, without the expression. */
function isForwarding(name: string): boolean {
  const first = name.charCodeAt(0) | 0x20;
  // X, x, F, f.
  if (first === 0x78 || first === 0x66) return FORWARDING.test(name);
  // C, c, T, t, as Cookie has it, and at the end P, p or 6.
  if (first !== 0x63 && first !== 0x74) return false;
  const last = name.charCodeAt(name.length - 1) | 0x20;
  return (last === 0x70 || last === 0x36) && FORWARDING.test(name);
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

/**
 * By Forwarded (RFC 7239 section 4), from its right end, as X-Forwarded-For is read. What stands left of the client's own entry is never looked
 * at: it is the client's, and may be anything, a quote that is not closed too.
 *
 * @throws RemoteProtocolError `XGI_HTTP_FORWARDED` for an entry that counts and cannot be read: whoever the client is, it is not our peer
 */
function readForwarded(values: string, proxies: TrustedProxies): Forwarding {
  let client: string | undefined;
  let scheme: Forwarding['scheme'];
  for (let end = values.length; end >= 0;) {
    const start = entryStart(values, end);
    const entry = parseEntry(values.slice(start, end));
    if (end === values.length) scheme = forwardedScheme(entry.get('proto') ?? '');
    const address = plainAddress(entry.get('for') ?? '');
    // `unknown`, or a name that the proxy has made up (section 6).
    if (address === undefined) break;
    client = address;
    if (!proxies.trusts(address)) break;
    end = start - 1;
  }
  return { client, scheme };
}

/**
 * Where the entry begins that ends at `end`: behind the next comma to the left that is not in a quoted string. An entry that is well-formed is
 * found whatever stands before it, since the quotes in it are pairs.
 */
function entryStart(values: string, end: number): number {
  for (let at = end - 1; at >= 0; at--) {
    if (values[at] === ',') return at + 1;
    if (values[at] === '"') at = openingQuote(values, at);
  }
  return 0;
}

/** @returns -1 if there is none: the string is none either */
function openingQuote(values: string, closing: number): number {
  let at = closing === 0 ? -1 : values.lastIndexOf('"', closing - 1);
  // What follows a backslash is in the string; before an opening quote there is `=`.
  while (at > 0 && values[at - 1] === '\\') at = values.lastIndexOf('"', at - 1);
  return at;
}

/** One parameter, or none, and what ends it; a value is a token or a quoted string. */
const PARAMETER =
  /[ \t]*(?:([!#$%&'*+\-.^_`|~0-9A-Za-z]+)=(?:"((?:[^"\\]|\\.)*)"|([!#$%&'*+\-.^_`|~0-9A-Za-z]+))[ \t]*)?(;|$)/y;

function parseEntry(text: string): Map<string, string> {
  const entry = new Map<string, string>();
  PARAMETER.lastIndex = 0;
  for (let more = true; more;) {
    const match = PARAMETER.exec(text);
    if (match === null) unreadable(text);
    const [, name, quoted, token, separator] = match;
    more = separator !== '';
    if (name === undefined) continue;
    // Each at most once.
    if (entry.has(name.toLowerCase())) unreadable(text);
    entry.set(name.toLowerCase(), token ?? quoted!.replaceAll(/\\(.)/g, '$1'));
  }
  return entry;
}

function unreadable(entry: string): never {
  throw new RemoteProtocolError(
    400,
    'XGI_HTTP_FORWARDED',
    `a trusted proxy sends Forwarded with the entry ${formatReceived(entry.trim())}, which cannot be read (RFC 7239 section 4), so the client's address is not known: let the proxy set the field, or remove it`,
  );
}

/** Without brackets and port: some proxies write `[::1]:1234` and `10.0.0.1:1234`. In one form: what is counted by address must not have several; nor a zone, which only its host knows. */
function plainAddress(text: string): string | undefined {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+))(?::[0-9]+)?$/.exec(text);
  const address = match?.[1] ?? match?.[2] ?? text;
  return isIP(address) !== 0 ? canonicalAddress(address.replace(/%.*$/, '')) : undefined;
}
