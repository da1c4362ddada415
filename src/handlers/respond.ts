/** Answers always the same. */
import { ResponseHead } from '../http/response-head.js';
import type { Fields, Handler } from '../types.js';

export interface RespondOptions {
  readonly status: number;
  readonly body: string;
  readonly fields: Fields;
}

/** Text, unless the fields say otherwise. @throws LocalProtocolError for fields that cannot be sent */
export function createRespond({ status, body, fields }: RespondOptions): Handler {
  const isTyped =
    body === '' || fields.some((name, i) => i % 2 === 0 && name.toLowerCase() === 'content-type');
  const head = new ResponseHead(
    status,
    isTyped ? fields : [...fields, 'Content-Type', 'text/plain; charset=utf-8'],
  );
  const bytes = Buffer.from(body);
  return () => ({ head, body: body === '' ? { kind: 'empty' } : { kind: 'bytes', bytes } });
}
