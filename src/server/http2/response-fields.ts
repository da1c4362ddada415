/**
 * A response head as Node's HTTP/2 takes it: names in lower case, what is repeated as a list. A head that HTTP/1.1 can send can be sent here,
 * and means the same.
 */
import type { OutgoingHttpHeaders } from 'node:http2';
import { httpDate } from '../../http/date.js';
import type { ResponseHead } from '../../http/response-head.js';
import type { Fields } from '../../types.js';

interface Known {
  /** What does not change with the response. */
  readonly fixed: OutgoingHttpHeaders;
  /** The last ones without a length to add, and what they depend on. Node copies what it is given. */
  fields: OutgoingHttpHeaders | undefined;
  date: string;
  hsts: string;
}

/** Of which Node sends one line, and throws if there are more. */
const SINGLE_LINE: ReadonlySet<string> = new Set([
  'access-control-allow-credentials',
  'access-control-max-age',
  'access-control-request-method',
  'age',
  'authorization',
  'content-encoding',
  'content-language',
  'content-location',
  'content-md5',
  'content-range',
  'content-type',
  'date',
  'dnt',
  'etag',
  'expires',
  'from',
  'host',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'last-modified',
  'location',
  'max-forwards',
  'range',
  'referer',
  'retry-after',
  'tk',
  'upgrade-insecure-requests',
  'user-agent',
  'x-content-type-options',
]);

/** It speaks of a connection (RFC 9113 section 8.2.2): Node throws. Of the others, no head has one. */
const LEFT_OUT = 'http2-settings';

/** Heads are shared among responses. */
const known = new WeakMap<ResponseHead, Known>();

export interface ResponseFieldsOptions {
  /** The Content-Length to add; -1 adds none. */
  readonly addLength: number;
  /** The value of Strict-Transport-Security, for a head that has none of its own; '' adds none. */
  readonly hsts: string;
}

/** The fields of a final response. */
export function responseFields(
  head: ResponseHead,
  { addLength, hsts }: ResponseFieldsOptions,
): OutgoingHttpHeaders {
  const entry = knownOf(head);
  const date = httpDate();
  if (addLength === -1 && entry.date === date && entry.hsts === hsts && entry.fields !== undefined)
    return entry.fields;
  const fields = { ...entry.fixed };
  if (!head.hasDate) fields['date'] = date;
  if (hsts !== '') fields['strict-transport-security'] ??= hsts;
  if (addLength === -1) Object.assign(entry, { fields, date, hsts });
  else fields['content-length'] = addLength;
  return fields;
}

function knownOf(head: ResponseHead): Known {
  let entry = known.get(head);
  if (entry === undefined) {
    const fixed = interimFields(head);
    if (!head.hasServer) fixed['server'] = 'xgi';
    known.set(head, (entry = { fixed, fields: undefined, date: '', hsts: '' }));
  }
  return entry;
}

/** The fields of an interim response: nothing is added. */
export function interimFields(head: ResponseHead): OutgoingHttpHeaders {
  const fields = fieldsOf(head.fields);
  fields[':status'] = head.status;
  return fields;
}

/** Fields alone, as trailers are. */
export function fieldsOf(list: Fields): OutgoingHttpHeaders {
  const fields: OutgoingHttpHeaders = Object.create(null) as OutgoingHttpHeaders;
  for (let i = 0; i < list.length; i += 2) {
    const name = list[i]!.toLowerCase();
    if (name !== LEFT_OUT) fields[name] = joined(name, fields[name], trimmed(list[i + 1]!));
  }
  return fields;
}

function joined(name: string, before: OutgoingHttpHeaders[string], value: string): string | string[] {
  if (before === undefined) return value;
  if (Array.isArray(before)) return [...before, value];
  const first = String(before);
  if (!SINGLE_LINE.has(name)) return [first, value];
  // As who has received two lines reads them (RFC 9110 section 5.3): both. Two that are the same say nothing more than one.
  return first === value ? value : `${first}, ${value}`;
}

/** Which is what HTTP/1.1 means by it; here, a client would take the response for malformed (RFC 9113 section 8.2.1). */
function trimmed(value: string): string {
  return /^[\t ]|[\t ]$/.test(value) ? value.replaceAll(/^[\t ]+|[\t ]+$/g, '') : value;
}
