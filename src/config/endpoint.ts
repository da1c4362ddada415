/** The text of `--bind`: what a listener is bound to. */
import { isIP, isIPv6 } from 'node:net';
import path from 'node:path';
import type { Endpoint } from '../types.js';
import { DEFAULTS } from './defaults.js';

/** How an endpoint is written, for messages. */
export const ENDPOINT_FORM = 'HOST:PORT, [IPV6]:PORT, :PORT, unix:PATH or fd://NUMBER';

/** `sun_path` of unix(7) is 108 bytes with its NUL. A longer path is cut off by some systems without an error. */
const MAX_SOCKET_PATH_BYTES = 107;

const HOST_NAME = /^(?=.{1,253}$)[A-Za-z0-9_](?:[A-Za-z0-9_-]*)(?:\.[A-Za-z0-9_][A-Za-z0-9_-]*)*\.?$/;
const LOOKS_LIKE_IPV4 = /^[0-9.]+$/;
const NUMBER = /^[0-9]{1,5}$/;

/**
 * Reads an endpoint. `:8000` is every IPv4 address, as for gunicorn; port 0 lets the system choose.
 *
 * @param directory what a relative `unix:` path is relative to
 * @returns undefined if the text is none of {@link ENDPOINT_FORM}
 */
export function parseEndpoint(text: string, directory: string): Endpoint | undefined {
  if (text.startsWith('unix:')) return parseUnix(text.slice('unix:'.length), directory);
  if (text.startsWith('fd://')) return parseFd(text.slice('fd://'.length));
  const colon = text.lastIndexOf(':');
  if (colon === -1) return undefined;
  const host = parseHost(text.slice(0, colon));
  const port = parsePort(text.slice(colon + 1));
  return host === undefined || port === undefined ? undefined : { kind: 'tcp', host, port };
}

/**
 * What a person may have meant by a text that is no endpoint: `; did you mean localhost:8000?`; '' if there is no
 * telling. To be put behind the message.
 */
export function endpointHint(text: string, directory: string): string {
  const meant = guess(text);
  if (meant !== undefined) return `; did you mean ${meant}?`;
  if (!text.startsWith('unix:')) return '';
  const length = Buffer.byteLength(path.resolve(directory, text.slice('unix:'.length)));
  if (length <= MAX_SOCKET_PATH_BYTES) return '';
  return `, which is too long: the absolute path of a socket has at most ${MAX_SOCKET_PATH_BYTES} bytes, this one ${length}`;
}

function guess(text: string): string | undefined {
  if (text === '') return undefined;
  if (parsePort(text) !== undefined) return `${DEFAULTS.host}:${text}, or :${text} for every IPv4 address`;
  if (/^\.{0,2}\/[^\0]/.test(text)) return `unix:${text}`;
  const authority = /^https?:\/\/([^/?#]+)/i.exec(text)?.[1] ?? text;
  const candidates = authority === text ? [`${text}:${DEFAULTS.port}`] : [authority, `${authority}:80`];
  return candidates.find((candidate) => parseEndpoint(candidate, '/')?.kind === 'tcp');
}

/** A port number, 0 to 65535; undefined for anything else. */
export function parsePort(text: string): number | undefined {
  if (!NUMBER.test(text)) return undefined;
  const port = Number(text);
  return port <= 65_535 ? port : undefined;
}

function parseHost(text: string): string | undefined {
  if (text === '') return '0.0.0.0';
  if (text.startsWith('[') && text.endsWith(']')) {
    const address = text.slice(1, -1);
    return isIPv6(address) ? address : undefined;
  }
  // '1.2.3' and '300.1.1.1' would go to the resolver, which reads the first as 1.2.0.3.
  if (LOOKS_LIKE_IPV4.test(text)) return isIP(text) === 4 ? text : undefined;
  return HOST_NAME.test(text) ? text : undefined;
}

function parseUnix(text: string, directory: string): Endpoint | undefined {
  if (text === '' || text.includes('\0')) return undefined;
  const absolute = path.resolve(directory, text);
  if (Buffer.byteLength(absolute) > MAX_SOCKET_PATH_BYTES) return undefined;
  return { kind: 'unix', path: absolute };
}

function parseFd(text: string): Endpoint | undefined {
  // 0 to 2 are standard input, output and error.
  return NUMBER.test(text) && Number(text) > 2 ? { kind: 'fd', fd: Number(text) } : undefined;
}
