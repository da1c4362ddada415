/**
 * The fields of a CGI program's response (RFC 3875 section 6.3), line by line: those for the client are collected, those for the
 * server are read.
 */
import type { Fields } from '../types.js';
import { badHead, noField } from './cgi-head-error.js';

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
// RFC 9110 section 5.5: no control characters but HTAB. A CR would begin a line of its own for a lenient reader.
const BAD_VALUE = /[^\t\x20-\x7e\x80-\xff]/;
const STATUS = /^([2-5][0-9]{2})(?:[ \t]+(.*))?$/;
const CONTENT_LENGTH = /^[0-9]{1,15}$/;

/** Fields of one connection (RFC 9110 section 7.6.1), beside `Proxy-*`: the framing is the server's, and no program may change it. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'te',
  'trailer',
  'trailers',
  'transfer-encoding',
  'upgrade',
]);

/** Two of these would have two meanings. */
const ONCE: ReadonlySet<string> = new Set([
  'content-length',
  'content-type',
  'location',
  'status',
  'transfer-encoding',
  'x-sendfile',
]);

export class CgiFields {
  /** For the client: name, value, name, value … in the order of the program; neither Status nor hop-by-hop fields nor `X-CGI-*`. */
  readonly fields: string[] = [];
  /** What the field Status says. */
  status: number | undefined = undefined;
  reason = '';
  readonly #once = new Map<string, string>();

  /** The value of a field that may be there once only; also of Transfer-Encoding, which is not in {@link fields}. */
  once(lowerCaseName: string): string | undefined {
    return this.#once.get(lowerCaseName);
  }

  /** All fields for the client but those. */
  without(lowerCaseName: string): Fields {
    return this.fields.filter((_, i) => this.fields[i - (i % 2)]!.toLowerCase() !== lowerCaseName);
  }

  /**
   * Takes a line without its line end.
   *
   * @param isNph Status means nothing to us in a complete HTTP response
   * @throws GatewayError 502 `XGI_CGI_BAD_HEAD`
   */
  add(line: string, number: number, isNph: boolean): void {
    const { name, value } = parseField(line, number);
    const lower = name.toLowerCase();
    if (ONCE.has(lower)) {
      if (this.#once.has(lower)) throw badHead(line, `the field ${name} is there twice`);
      this.#once.set(lower, value);
    }
    // For the server, by an agreement that we have not made (RFC 3875 section 6.3.5).
    if (lower.startsWith('x-cgi-') || lower.startsWith('proxy-') || HOP_BY_HOP.has(lower)) return;
    if (lower === 'status' && !isNph) {
      this.#readStatus(line, value);
      return;
    }
    if (lower === 'content-length' && !CONTENT_LENGTH.test(value))
      throw badHead(line, 'expected the length of the document in digits');
    if (lower === 'location' && value === '') throw badHead(line, 'expected a URL');
    this.fields.push(name, value);
  }

  #readStatus(line: string, value: string): void {
    const match = STATUS.exec(value);
    if (match === null) throw badHead(line, 'expected a status from 200 to 599, as in Status: 404 Not Found');
    this.status = Number(match[1]);
    this.reason = match[2] ?? '';
  }
}

function parseField(line: string, number: number): { readonly name: string; readonly value: string } {
  // obs-fold (RFC 9112 section 5.2): what continues a value for one reader is a field for another.
  if (number > 1 && /^[ \t]/.test(line))
    throw badHead(line, 'a field cannot be continued on a further line; print it in one');
  const colon = line.indexOf(':');
  const name = line.slice(0, Math.max(colon, 0));
  if (!TOKEN.test(name)) throw noField(line, number);
  const value = trim(line.slice(colon + 1));
  if (BAD_VALUE.test(value)) throw badHead(line, `the value of ${name} holds a control character`);
  return { name, value };
}

/** SP and HTAB only. Not a regular expression, which would take quadratic time for a line of spaces. */
function trim(value: string): string {
  let start = 0;
  let end = value.length;
  while (start < end && isBlank(value.charCodeAt(start))) start++;
  while (end > start && isBlank(value.charCodeAt(end - 1))) end--;
  return value.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
