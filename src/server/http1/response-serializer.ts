/**
 * Puts a response head on the wire and decides how the body is framed (RFC 9112 sections 4, 6 and 9). No I/O.
 */
import { STATUS_CODES } from 'node:http';
import { httpDate } from '../../http/date.js';
import type { ResponseHead } from '../../http/response-head.js';
import type { Fields } from '../../types.js';

/**
 * How the end of a body is told: no body at all, by Content-Length, by the chunked coding, or by the end of the
 * connection (HTTP/1.0 only).
 */
export type Framing = 'none' | 'length' | 'chunked' | 'close';

export interface HeadOptions {
  readonly framing: Framing;
  /** The Content-Length to add, if the head has none of its own; -1 adds none. */
  readonly addLength: number;
  readonly keepAlive: boolean;
  /** The request was HTTP/1.0: persistence has to be said. */
  readonly http10: boolean;
  /** Names of fields that follow the body; default none. */
  readonly trailers?: readonly string[];
  /** The value of Strict-Transport-Security, for a head that has none of its own; '' adds none. */
  readonly hsts: string;
}

/** The bytes of a final response head, as a latin-1 string. */
export function serializeHead(head: ResponseHead, options: HeadOptions): string {
  let text = fixedPart(head);
  if (!head.hasDate) text += `Date: ${httpDate()}\r\n`;
  if (options.addLength !== -1) text += `Content-Length: ${options.addLength}\r\n`;
  if (options.hsts !== '' && head.field('strict-transport-security') === undefined)
    text += `Strict-Transport-Security: ${options.hsts}\r\n`;
  if (options.framing === 'chunked') text += 'Transfer-Encoding: chunked\r\n';
  if (options.trailers !== undefined) text += `Trailer: ${options.trailers.join(', ')}\r\n`;
  if (!options.keepAlive) return `${text}Connection: close\r\n\r\n`;
  return options.http10 ? `${text}Connection: keep-alive\r\n\r\n` : `${text}\r\n`;
}

/** The end of a chunked body, as a latin-1 string (RFC 9112 section 7.1). */
export function serializeLastChunk(trailers: Fields): string {
  return `0\r\n${fieldLines(trailers)}\r\n`;
}

/** The bytes of an interim response or of a 101, as a latin-1 string. */
export function serializeInterim(head: ResponseHead): string {
  return `${statusLine(head)}${fieldLines(head.fields)}${head.status === 101 ? 'Connection: upgrade\r\n' : ''}\r\n`;
}

/** What does not depend on the connection, made once for each head; of one that has one field more than another, from that of the other. */
function fixedPart(head: ResponseHead): string {
  if (head.serialized !== undefined) return head.serialized;
  const { base, fields } = head;
  head.serialized =
    base === null
      ? serializeFixed(head)
      : `${fixedPart(base)}${fields[fields.length - 2]}: ${fields[fields.length - 1]}\r\n`;
  return head.serialized;
}

function serializeFixed(head: ResponseHead): string {
  return statusLine(head) + fieldLines(head.fields) + (head.hasServer ? '' : 'Server: xgi\r\n');
}

function statusLine(head: ResponseHead): string {
  return `HTTP/1.1 ${head.status} ${head.reason || (STATUS_CODES[head.status] ?? '')}\r\n`;
}

function fieldLines(fields: Fields): string {
  let text = '';
  for (let i = 0; i < fields.length; i += 2) text += `${fields[i]}: ${fields[i + 1]}\r\n`;
  return text;
}
