/**
 * The header of the PROXY protocol, version 1 and 2: who is at the other end of a connection that a proxy passes on
 * (https://www.haproxy.org/download/3.1/doc/proxy-protocol.txt). Sans-I/O.
 *
 * It stands before everything else on the connection, once. Version 1 is one line of text, version 2 binary. Both may say that the
 * connection is the proxy's own (a health check): then it is what it looks like.
 */
import { isIPv4, isIPv6 } from 'node:net';
import { RemoteProtocolError } from '../errors.js';
import { formatReceived } from '../errors/received.js';
import { canonicalAddress } from './ip-address.js';

/** The ends of the connection between client and proxy. */
export interface ProxiedEnds {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localAddress: string;
  readonly localPort: number;
}

export interface ProxyHeader {
  /** Of the header: what follows belongs to the connection. */
  readonly length: number;
  /** null for a connection of the proxy's own, or of a kind that has no IP addresses. */
  readonly ends: ProxiedEnds | null;
}

const V1_PREFIX = Buffer.from('PROXY ', 'latin1');
const V2_SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
/** With its CR LF (section 2.1). */
const V1_MAX_BYTES = 107;
const V2_FIXED_BYTES = 16;
/** The longest that is taken: addresses, and what extensions say. The protocol's own bound is 64 KiB. */
const V2_MAX_BYTES = 4096;

/** No larger header is ever waited for. */
export const MAX_PROXY_HEADER_BYTES = V2_MAX_BYTES;

/** Version 2, with what kind of connection it is. */
const LOCAL = 0x20;
const PROXY = 0x21;

/**
 * @param bytes from the beginning of the connection
 * @returns undefined if the header is not complete
 * @throws RemoteProtocolError `XGI_PROXY_HEADER`: these bytes are no header, and never will be
 */
export function readProxyHeader(bytes: Buffer): ProxyHeader | undefined {
  if (startsLike(bytes, V2_SIGNATURE)) return bytes.length < V2_FIXED_BYTES ? undefined : readV2(bytes);
  if (startsLike(bytes, V1_PREFIX)) return readV1(bytes);
  refuse(`begins with ${formatReceived(bytes.toString('latin1', 0, 16))}, not with a PROXY header`);
}

/** Whether the bytes are the beginning of this one, or begin with it. */
function startsLike(bytes: Buffer, beginning: Buffer): boolean {
  const length = Math.min(bytes.length, beginning.length);
  return bytes.compare(beginning, 0, length, 0, length) === 0;
}

/** `PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n` (section 2.1). */
function readV1(bytes: Buffer): ProxyHeader | undefined {
  const end = bytes.indexOf('\r\n', 0, 'latin1');
  if (end === -1 || end + 2 > V1_MAX_BYTES) {
    if (bytes.length >= V1_MAX_BYTES) refuse(`version 1: no line of at most ${V1_MAX_BYTES} bytes`);
    return undefined;
  }
  const line = bytes.toString('latin1', 0, end);
  const length = end + 2;
  const [, family, source, destination, sourcePort, destinationPort, ...rest] = line.split(' ');
  if (family === 'UNKNOWN') return { length, ends: null };
  const isAddress = family === 'TCP4' ? isIPv4 : family === 'TCP6' ? isPlainIPv6 : undefined;
  if (isAddress === undefined || rest.length > 0) refuse(`version 1: ${formatReceived(line)}`);
  for (const address of [source, destination])
    if (!isAddress(address ?? ''))
      refuse(`version 1: ${formatReceived(address ?? '')} is no address of ${family}`);
  return {
    length,
    ends: {
      remoteAddress: canonicalAddress(source!),
      remotePort: readPort(sourcePort),
      localAddress: canonicalAddress(destination!),
      localPort: readPort(destinationPort),
    },
  };
}

/** Without a zone, which means nothing to others. */
function isPlainIPv6(text: string): boolean {
  return isIPv6(text) && !text.includes('%');
}

function readPort(text = ''): number {
  if (!/^(?:0|[1-9][0-9]{0,4})$/.test(text) || Number(text) > 65_535)
    refuse(`version 1: ${formatReceived(text)} is no port`);
  return Number(text);
}

/** Section 2.2: signature, version and command, family, length, addresses, extensions. */
function readV2(bytes: Buffer): ProxyHeader | undefined {
  const command = bytes[12]!;
  const family = bytes[13]!;
  const length = V2_FIXED_BYTES + bytes.readUInt16BE(14);
  if (command >> 4 !== 2) refuse(`version ${command >> 4}; expected 1 or 2`);
  if (command !== LOCAL && command !== PROXY) refuse(`version 2: command ${command & 0x0f}; expected 0 or 1`);
  if (length > V2_MAX_BYTES)
    refuse(`version 2: a header of ${length} bytes; at most ${V2_MAX_BYTES} are read`);
  if (bytes.length < length) return undefined;
  if (command === LOCAL) return { length, ends: null };
  switch (family) {
    case 0x11:
      return { length, ends: readEnds(bytes, length, 4, ipv4At) };
    case 0x21:
      return { length, ends: readEnds(bytes, length, 16, ipv6At) };
    case 0x00:
    // A Unix-domain socket.
    case 0x31:
      return { length, ends: null };
    default:
      refuse(`version 2: address family and transport 0x${family.toString(16).padStart(2, '0')}`);
  }
}

function readEnds(
  bytes: Buffer,
  length: number,
  size: number,
  addressAt: (bytes: Buffer, at: number) => string,
): ProxiedEnds {
  const ports = V2_FIXED_BYTES + 2 * size;
  if (length < ports + 4) refuse(`version 2: ${length} bytes are too few for two addresses and ports`);
  return {
    remoteAddress: addressAt(bytes, V2_FIXED_BYTES),
    remotePort: bytes.readUInt16BE(ports),
    localAddress: addressAt(bytes, V2_FIXED_BYTES + size),
    localPort: bytes.readUInt16BE(ports + 2),
  };
}

function ipv4At(bytes: Buffer, at: number): string {
  return bytes.subarray(at, at + 4).join('.');
}

function ipv6At(bytes: Buffer, at: number): string {
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(at + 2 * i).toString(16));
  return canonicalAddress(groups.join(':'));
}

function refuse(observed: string): never {
  throw new RemoteProtocolError(
    400,
    'XGI_PROXY_HEADER',
    `a connection ${observed}; with --proxy-protocol each begins with a PROXY header of version 1 or 2`,
  );
}
