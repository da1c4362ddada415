/** A response head as Node's HTTP/2 takes it: names in lower case, what is repeated as a list. */
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
    const value = list[i + 1]!;
    const before = fields[name];
    if (before === undefined) fields[name] = value;
    else if (Array.isArray(before)) before.push(value);
    else fields[name] = [String(before), value];
  }
  return fields;
}
