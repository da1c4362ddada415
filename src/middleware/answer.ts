/** What middleware does with answers, which come at once or later. */
import { changeErrorHead, type HeadChange } from '../http/error-heads.js';
import { ResponseHead } from '../http/response-head.js';
import type { Fields, GatewayRequest, GatewayResponse, Handler } from '../types.js';

export type Answer = GatewayResponse | Promise<GatewayResponse>;

/** The answer after a change; at once, if it was there at once: a promise costs a turn. */
export function changeAnswer(answer: Answer, change: (response: GatewayResponse) => Answer): Answer {
  return answer instanceof Promise ? answer.then(change) : change(answer);
}

/**
 * The answer of `next` with another head; at once, if it was there at once: a promise costs a turn. Of an error, the answer that the server
 * makes of it.
 */
export function answerWithHead(next: Handler, request: GatewayRequest, change: HeadChange): Answer {
  const changed = ({ head, body }: GatewayResponse): GatewayResponse => ({ head: change(head), body });
  const failed = (error: unknown): never => {
    changeErrorHead(request, error, change);
    throw error;
  };
  let answer: Answer;
  try {
    answer = next(request);
  } catch (error) {
    return failed(error);
  }
  return answer instanceof Promise ? answer.then(changed, failed) : changed(answer);
}

/** An answer of middleware's own, of one line or a few; nobody keeps it. @param text ends with a line feed */
export function plainAnswer(status: number, text: string, fields: Fields = []): GatewayResponse {
  const head = new ResponseHead(status, [
    ...fields,
    ...['Content-Type', 'text/plain; charset=utf-8', 'Cache-Control', 'no-store'],
  ]);
  return { head, body: { kind: 'bytes', bytes: text } };
}

/** The same head with other fields. */
export function headWithFields(head: ResponseHead, fields: Fields): ResponseHead {
  return new ResponseHead(head.status, fields, head.reason);
}
