/** A response head as Node's HTTP/2 takes it: names in lower case, what is repeated as a list. */
import type { OutgoingHttpHeaders } from 'node:http2';
import { httpDate } from '../../http/date.js';
import type { ResponseHead } from '../../http/response-head.js';

/** Heads are shared among responses; what does not change with the response is made once. */
const known = new WeakMap<ResponseHead, OutgoingHttpHeaders>();

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
  let fixed = known.get(head);
  if (fixed === undefined) {
    fixed = interimFields(head);
    if (!head.hasServer) fixed['server'] = 'xgi';
    known.set(head, fixed);
  }
  const fields = { ...fixed };
  if (!head.hasDate) fields['date'] = httpDate();
  if (addLength !== -1) fields['content-length'] = addLength;
  if (hsts !== '') fields['strict-transport-security'] ??= hsts;
  return fields;
}

/** The fields of an interim response: nothing is added. */
export function interimFields(head: ResponseHead): OutgoingHttpHeaders {
  const fields: OutgoingHttpHeaders = Object.create(null) as OutgoingHttpHeaders;
  fields[':status'] = head.status;
  for (let i = 0; i < head.fields.length; i += 2) {
    const name = head.fields[i]!.toLowerCase();
    const value = head.fields[i + 1]!;
    const before = fields[name];
    if (before === undefined) fields[name] = value;
    else if (Array.isArray(before)) before.push(value);
    else fields[name] = [String(before), value];
  }
  return fields;
}
