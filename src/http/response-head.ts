/**
 * The head of a response: status, reason phrase and fields (RFC 9110 section 15, RFC 9112 section 4).
 *
 * Immutable, checked when it is made, and shared: a program that answers with the same head again and again is
 * given the same object, so what is derived from it (its framing, its bytes) is computed once. Middleware that
 * changes a field makes a new head.
 */
import { LocalProtocolError } from '../errors.js';
import { formatReceived } from '../errors/received.js';
import type { Fields } from '../types.js';
import { firstValue, withField } from './field-values.js';
import { HOP_BY_HOP } from './hop-by-hop.js';

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
// RFC 9110 section 5.5: field values hold no control characters but HTAB; latin-1 only.
// oxlint-disable-next-line no-control-regex
const BAD_VALUE = /[^\t\x20-\x7e\x80-\xff]/;
const DIGITS = /^[0-9]{1,15}$/;

/** Those whose values a head knows. */
const READ_HERE: ReadonlySet<string> = new Set(['content-length', 'date', 'server']);

/** The head of a response: immutable, checked when it is made, shared among responses. */
export class ResponseHead {
  readonly status: number;
  readonly reason: string;
  /** name, value, name, value … */
  readonly fields: Fields;
  /** Content-Length, or -1 if there is none. */
  readonly contentLength: number;
  readonly hasDate: boolean;
  readonly hasServer: boolean;
  /** For the serializer: the bytes of this head that do not depend on the connection. */
  serialized: string | undefined = undefined;
  /** The head that this one has one field more than, the last; null if it was made from nothing. */
  readonly base: ResponseHead | null;

  /**
   * @param status 100 to 599
   * @param fields name, value, name, value …; no hop-by-hop field but `upgrade` with status 101
   * @param base for {@link ResponseHead.withField}: all but the last field were checked with it
   * @throws LocalProtocolError `XGI_HTTP_BAD_RESPONSE_HEAD` for a head that cannot be put on the wire
   */
  constructor(status: number, fields: Fields = [], reason = '', base: ResponseHead | null = null) {
    this.base = base;
    if (base !== null) {
      this.status = status;
      this.reason = reason;
      this.fields = fields;
      this.contentLength = base.contentLength;
      this.hasDate = base.hasDate;
      this.hasServer = base.hasServer;
      return;
    }
    if (!Number.isInteger(status) || status < 100 || status > 599)
      refuse(`the status is ${status}; expected 100 to 599`);
    if (typeof reason !== 'string') refuse(`the reason phrase is of type ${typeof reason}; expected text`);
    if (BAD_VALUE.test(reason)) refuse(`the reason phrase ${formatReceived(reason)} has a control character`);
    let contentLength = -1;
    let hasDate = false;
    let hasServer = false;
    for (let i = 0; i < fields.length; i += 2) {
      const name = fields[i]!;
      const value = fields[i + 1];
      if (value === undefined) refuse(`the field ${formatReceived(name)} has no value`);
      if (typeof name !== 'string' || typeof value !== 'string')
        refuse(`the field ${String(name)} is of type ${typeof value}; expected text`);
      checkField(name, value);
      const lower = name.toLowerCase();
      if (lower === 'content-length') {
        if (!DIGITS.test(value)) refuse(`Content-Length is ${formatReceived(value)}; expected digits`);
        if (contentLength !== -1) refuse('Content-Length is there twice');
        contentLength = Number(value);
      } else if (lower === 'date') hasDate = true;
      else if (lower === 'server') hasServer = true;
      else if (HOP_BY_HOP.has(lower) && !(status === 101 && lower === 'upgrade'))
        refuse(`${name} is a hop-by-hop field; the server sets it`);
    }
    if (contentLength !== -1 && (status < 200 || status === 204))
      refuse(`a response with status ${status} has no Content-Length`);
    this.status = status;
    this.reason = reason;
    this.fields = fields;
    this.contentLength = contentLength;
    this.hasDate = hasDate;
    this.hasServer = hasServer;
  }

  /** The same head, with this field in the place of those of its name. For one that differs from answer to answer: what was there is not checked again. */
  withField(name: string, value: string): ResponseHead {
    const lower = name.toLowerCase();
    const { status, reason, fields } = this;
    if (READ_HERE.has(lower) || HOP_BY_HOP.has(lower) || this.field(lower) !== undefined)
      return new ResponseHead(status, withField(fields, name, value), reason);
    checkField(name, value);
    return new ResponseHead(status, [...fields, name, value], reason, this);
  }

  /** The value of the first field of that lower-case name. */
  field(lowerCaseName: string): string | undefined {
    return firstValue(this.fields, lowerCaseName);
  }
}

/** A response to HEAD, and one with status 1xx, 204 or 304, ends with its head (RFC 9112 section 6.3). */
export function hasNoBody(method: string, status: number): boolean {
  return method === 'HEAD' || status === 204 || status === 304 || status < 200;
}

function checkField(name: string, value: string): void {
  if (!TOKEN.test(name)) refuse(`the field name ${formatReceived(name)} is not a token`);
  if (BAD_VALUE.test(value))
    refuse(`the value of ${name} has a control character or is not latin-1: ${formatReceived(value)}`);
}

function refuse(observed: string): never {
  throw new LocalProtocolError('XGI_HTTP_BAD_RESPONSE_HEAD', `cannot send this response head: ${observed}`);
}
