/**
 * What the lines of a request head mean: target, authority, framing, persistence (RFC 9112 sections 3, 6 and 9).
 *
 * The bytes have been checked by the parser: every name is a token, no value holds a control character. What is
 * ambiguous here is refused, never guessed: request smuggling lives on guesses.
 */
import { RemoteProtocolError } from '../../errors.js';
import type { Fields, HttpVersion } from '../../types.js';
import { isAuthority } from '../../http/authority.js';
import { HTAB, SP } from '../../http/chars.js';

export interface RequestHead {
  readonly method: string;
  readonly target: string;
  readonly path: string;
  readonly query: string;
  readonly authority: string;
  readonly httpVersion: HttpVersion;
  readonly fields: Fields;
  /** Bytes of the body; 0 if there is none, -1 for a chunked one. */
  readonly contentLength: number;
  /** The client wishes the connection to persist (RFC 9112 section 9.3). */
  readonly keepAlive: boolean;
  /** The client waits for `100 Continue` (RFC 9110 section 10.1.1). */
  readonly expectContinue: boolean;
  /** The client offers another protocol (RFC 9110 section 7.8). */
  readonly upgrade: boolean;
}

// RFC 3986 section 3.2.2 without user information; the port is 0 to 5 digits.
const ABSOLUTE_FORM = /^https?:\/\/([^/?]*)([^?]*)(.*)$/i;
const DIGITS = /^[0-9]+$/;
const BAD_ESCAPE = /%(?![0-9A-Fa-f]{2})|%00/;

// The last valid Host: connections of one site repeat it, and a comparison is cheaper than the expression.
let lastHost: string | undefined;

/**
 * Reads a head.
 *
 * @throws RemoteProtocolError with the status to answer
 */
export function interpretHead(method: string, target: string, minor: 0 | 1, fields: Fields): RequestHead {
  const httpVersion = minor === 1 ? '1.1' : '1.0';
  let host: string | undefined;
  let contentLength = 0;
  let hasContentLength = false;
  let transferCoding: string | undefined;
  let connection: string | undefined;
  let expect: string | undefined;
  let hasUpgrade = false;

  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i]!;
    // The length tells most names apart without a comparison.
    switch (name.length) {
      case 4:
        if (is(name, 'Host', 'host')) {
          if (host !== undefined) bad('XGI_HTTP_HOST', 'Host is there twice');
          host = fields[i + 1]!;
        }
        break;
      case 6:
        if (is(name, 'Expect', 'expect')) expect = list(expect, fields[i + 1]!);
        break;
      case 7:
        if (is(name, 'Upgrade', 'upgrade')) hasUpgrade = true;
        break;
      case 10:
        if (is(name, 'Connection', 'connection')) connection = list(connection, fields[i + 1]!);
        break;
      case 14:
        if (is(name, 'Content-Length', 'content-length')) {
          if (hasContentLength) bad('XGI_HTTP_CONTENT_LENGTH', 'Content-Length is there twice');
          hasContentLength = true;
          contentLength = parseContentLength(fields[i + 1]!);
        }
        break;
      case 17:
        if (is(name, 'Transfer-Encoding', 'transfer-encoding'))
          transferCoding = list(transferCoding, fields[i + 1]!);
        break;
    }
  }

  if (transferCoding !== undefined) {
    if (minor === 0) bad('XGI_HTTP_TRANSFER_ENCODING', 'Transfer-Encoding in an HTTP/1.0 request');
    if (hasContentLength) bad('XGI_HTTP_FRAMING', 'Content-Length and Transfer-Encoding together');
    checkTransferCoding(transferCoding);
    contentLength = -1;
  }
  if (host === undefined) {
    if (minor === 1) bad('XGI_HTTP_HOST', 'Host is missing');
    host = '';
  } else if (host !== lastHost) {
    if (!isAuthority(host)) bad('XGI_HTTP_HOST', 'Host is not host[:port]');
    lastHost = host;
  }
  const options = connection === undefined ? '' : connection.toLowerCase();
  const close = options !== '' && hasMember(options, 'close');
  const head = {
    method,
    target,
    path: target,
    query: '',
    authority: host,
    httpVersion,
    fields,
    contentLength,
    keepAlive: minor === 1 ? !close : !close && hasMember(options, 'keep-alive'),
    // RFC 9110 section 10.1.1: an expectation in HTTP/1.0 is ignored.
    expectContinue: expect !== undefined && minor === 1 && checkExpectation(expect),
    upgrade: hasUpgrade && minor === 1 && hasMember(options, 'upgrade'),
  } as const;
  return withTarget(head);
}

/** Splits the request target by its form (RFC 9112 section 3.2). */
function withTarget(head: RequestHead): RequestHead {
  const { method, target } = head;
  if (method === 'CONNECT') {
    throw new RemoteProtocolError(
      501,
      'XGI_HTTP_CONNECT',
      'CONNECT is for proxies; this server tunnels nothing',
    );
  }
  if (target.charCodeAt(0) === 0x2f) return split(head, target, head.authority);
  if (target === '*') {
    if (method !== 'OPTIONS') bad('XGI_HTTP_TARGET', 'the target * belongs to OPTIONS only');
    return head;
  }
  const absolute = ABSOLUTE_FORM.exec(target);
  if (absolute === null) return bad('XGI_HTTP_TARGET', 'the target is neither a path nor an http URL');
  const authority = absolute[1]!;
  if (!isAuthority(authority)) bad('XGI_HTTP_TARGET', 'the authority of the target is not host[:port]');
  const path = absolute[2]!;
  // RFC 9112 section 3.2.2: the target's authority replaces Host, for every reader of the fields.
  const fields = head.fields.map((text, i) =>
    i % 2 === 1 && head.fields[i - 1]!.toLowerCase() === 'host' ? authority : text,
  );
  // Section 3.2.4: without a path it asks about the server as a whole.
  if (path === '' && absolute[3] === '' && method === 'OPTIONS')
    return { ...head, path: '*', authority, fields };
  return split({ ...head, fields }, (path === '' ? '/' : path) + absolute[3]!, authority);
}

function split(head: RequestHead, target: string, authority: string): RequestHead {
  const mark = target.indexOf('?');
  const path = mark === -1 ? target : target.substring(0, mark);
  if (path.indexOf('%') !== -1 && BAD_ESCAPE.test(path))
    bad('XGI_HTTP_TARGET', 'the path holds %00 or a percent sign without two hexadecimal digits');
  const writable = head as { -readonly [Key in keyof RequestHead]: RequestHead[Key] };
  writable.path = path;
  writable.query = mark === -1 ? '' : target.substring(mark + 1);
  writable.authority = authority;
  return writable;
}

function parseContentLength(value: string): number {
  if (!DIGITS.test(value)) bad('XGI_HTTP_CONTENT_LENGTH', 'Content-Length is not a row of digits');
  if (value.length > 15)
    throw new RemoteProtocolError(413, 'XGI_HTTP_BODY_SIZE', 'Content-Length is beyond all limits');
  return Number(value);
}

/** One final `chunked` and nothing else (RFC 9112 section 6.1). */
function checkTransferCoding(value: string): void {
  const codings = value.toLowerCase().split(',').map(trim);
  if (codings.length === 1 && codings[0] === 'chunked') return;
  if (codings.includes('')) bad('XGI_HTTP_TRANSFER_ENCODING', 'an empty member in Transfer-Encoding');
  if (
    codings.every((coding) => coding === 'chunked') ||
    (codings.includes('chunked') && codings.at(-1) !== 'chunked')
  ) {
    bad('XGI_HTTP_TRANSFER_ENCODING', 'chunked must be the last transfer coding, once');
  }
  throw new RemoteProtocolError(501, 'XGI_HTTP_TRANSFER_ENCODING', 'a transfer coding other than chunked');
}

function checkExpectation(value: string): boolean {
  if (value.toLowerCase() === '100-continue') return true;
  throw new RemoteProtocolError(417, 'XGI_HTTP_EXPECT', 'an expectation other than 100-continue');
}

function is(name: string, usual: string, lower: string): boolean {
  return name === usual || name.toLowerCase() === lower;
}

function list(before: string | undefined, value: string): string {
  return before === undefined ? value : `${before}, ${value}`;
}

function hasMember(members: string, member: string): boolean {
  return members === member || members.split(',').some((text) => trim(text) === member);
}

/**
 * Without optional white space (RFC 9110 section 5.6.3: SP and HTAB only; `String.prototype.trim` takes more).
 * A loop, because `/[ \t]+$/` takes quadratic time on a long run of spaces that does not end the text.
 */
function trim(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return text.substring(start, end);
}

function isBlank(code: number): boolean {
  return code === SP || code === HTAB;
}

function bad(code: `XGI_HTTP_${Uppercase<string>}`, message: string): never {
  throw new RemoteProtocolError(400, code, message);
}
