/**
 * What the header list of an HTTP/2 request means (RFC 9113 sections 8.1 to 8.3), as a head of HTTP/1.1 means it: the same rules, and the same
 * limits, hold for both.
 *
 * nghttp2 has refused some of it before; what is checked here does not rely on that.
 */
import { RemoteProtocolError } from '../../errors.js';
import { COLON, TARGET, TEXT, TOKEN } from '../../http/chars.js';
import type { HttpLimits } from '../../types.js';
import { interpretHead, type RequestHead } from '../http1/request-head.js';

/** Section 8.2.2: they speak of a connection of HTTP/1.1, and a server behind that speaks it would believe them. */
const OF_A_CONNECTION: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
]);

/** ` HTTP/2.0` and the two spaces of a request line. */
const LINE_OVERHEAD = 10;

interface Pseudo {
  method: string | undefined;
  scheme: string | undefined;
  authority: string | undefined;
  path: string | undefined;
}

/**
 * Reads a header list.
 *
 * @param list name, value, name, value …, latin-1, pseudo-header fields first
 * @param hasBody the stream has not ended with it
 * @throws RemoteProtocolError with the status to answer
 */
export function readRequestHead(list: readonly string[], hasBody: boolean, limits: HttpLimits): RequestHead {
  const { pseudo, fields } = split(list, limits);
  const { method, path } = checkPseudo(pseudo, limits);
  const authority = authorityOf(pseudo.authority, fields);
  // Of HTTP/1.1, where all who read fields look for it. It replaces what was there.
  const all = ['Host', authority, ...withoutHost(fields)];
  const head = interpretHead(method, path, 1, all);
  const hasLength = all.some((name, i) => i % 2 === 0 && name === 'content-length');
  if (!hasBody && head.contentLength !== 0)
    bad('XGI_HTTP_CONTENT_LENGTH', 'Content-Length of a request without a body');
  return {
    ...head,
    httpVersion: '2.0',
    contentLength: !hasBody ? 0 : hasLength ? head.contentLength : -1,
    keepAlive: true,
    upgrade: false,
  };
}

function split(list: readonly string[], limits: HttpLimits): { pseudo: Pseudo; fields: string[] } {
  const pseudo: Pseudo = { method: undefined, scheme: undefined, authority: undefined, path: undefined };
  const fields: string[] = [];
  let cookieAt = -1;
  let count = 0;
  let bytes = 0;
  for (let i = 0; i < list.length; i += 2) {
    const name = list[i]!;
    const value = list[i + 1]!;
    bytes += name.length + value.length + 4;
    if (bytes > limits.maxHeadBytes)
      tooLarge('XGI_HTTP_HEAD_SIZE', `the head is longer than ${limits.maxHeadBytes} bytes`);
    if (name.charCodeAt(0) === COLON) {
      setPseudo(pseudo, name, value);
      continue;
    }
    // Before crumbs are joined: each of them costs as much as a field.
    if (++count > limits.maxFields)
      tooLarge('XGI_HTTP_FIELD_COUNT', `more than ${limits.maxFields} header fields`);
    if (name.length + value.length + 2 > limits.maxFieldBytes)
      tooLarge('XGI_HTTP_FIELD_SIZE', `a header field is longer than ${limits.maxFieldBytes} bytes`);
    checkField(name, value);
    if (name === 'cookie' && cookieAt !== -1) {
      // Section 8.2.3.
      fields[cookieAt] += `; ${value}`;
      continue;
    }
    if (name === 'cookie') cookieAt = fields.length + 1;
    fields.push(name, value);
  }
  return { pseudo, fields };
}

function setPseudo(pseudo: Pseudo, name: string, value: string): void {
  const key = name.slice(1);
  if (!Object.hasOwn(pseudo, key)) bad('XGI_HTTP_PSEUDO', 'an unknown pseudo-header field');
  if (pseudo[key as keyof Pseudo] !== undefined) bad('XGI_HTTP_PSEUDO', `${name} is there twice`);
  pseudo[key as keyof Pseudo] = value;
}

function checkField(name: string, value: string): void {
  if (!consistsOf(TOKEN, name) || name !== name.toLowerCase())
    bad('XGI_HTTP_FIELD_NAME', 'a field name that is not a lower-case token');
  if (!consistsOf(TEXT, value)) bad('XGI_HTTP_CONTROL', `the value of ${name} holds a control character`);
  if (/^[\t ]|[\t ]$/.test(value))
    bad('XGI_HTTP_CONTROL', `the value of ${name} begins or ends with white space`);
  if (OF_A_CONNECTION.has(name) || (name === 'te' && value !== 'trailers'))
    bad('XGI_HTTP_CONNECTION_FIELD', `${name} does not belong in HTTP/2`);
}

function checkPseudo(
  { method, scheme, path }: Pseudo,
  limits: HttpLimits,
): { readonly method: string; readonly path: string } {
  if (method === undefined || !consistsOf(TOKEN, method) || method === '')
    return bad('XGI_HTTP_METHOD', 'the method is not a token');
  // It has no path, and could tunnel to nothing.
  if (method === 'CONNECT') return { method, path: '/' };
  if (scheme !== 'https') bad('XGI_HTTP_PSEUDO', ':scheme is not https, which is what is spoken');
  if (path === undefined || !consistsOf(TARGET, path) || !(path.startsWith('/') || path === '*'))
    return bad('XGI_HTTP_TARGET', ':path is neither * nor begins with /, or holds what no path does');
  if (method.length + path.length + LINE_OVERHEAD > limits.maxRequestLineBytes) {
    throw new RemoteProtocolError(
      414,
      'XGI_HTTP_TARGET_SIZE',
      `method and path are longer than a request line of ${limits.maxRequestLineBytes} bytes`,
    );
  }
  return { method, path };
}

/** Section 8.3.1: two that differ would be one for us and another for whoever is behind. */
function authorityOf(authority: string | undefined, fields: readonly string[]): string {
  const hosts = fields.filter((_, i) => i % 2 === 1 && fields[i - 1] === 'host');
  const [host] = hosts;
  if (hosts.length > 1) bad('XGI_HTTP_HOST', 'Host is there twice');
  if (authority === undefined && host === undefined)
    bad('XGI_HTTP_HOST', ':authority is missing, and Host too');
  if (authority !== undefined && host !== undefined && authority.toLowerCase() !== host.toLowerCase())
    bad('XGI_HTTP_HOST', ':authority and Host are not the same');
  return authority ?? host!;
}

function withoutHost(fields: readonly string[]): readonly string[] {
  const at = fields.findIndex((name, i) => i % 2 === 0 && name === 'host');
  return at === -1 ? fields : [...fields.slice(0, at), ...fields.slice(at + 2)];
}

function consistsOf(table: Uint8Array, text: string): boolean {
  for (let i = 0; i < text.length; i++) if (table[text.charCodeAt(i)] !== 1) return false;
  return text !== '' || table === TEXT;
}

function tooLarge(code: `XGI_HTTP_${Uppercase<string>}`, message: string): never {
  throw new RemoteProtocolError(431, code, message);
}

function bad(code: `XGI_HTTP_${Uppercase<string>}`, message: string): never {
  throw new RemoteProtocolError(400, code, message);
}
