/** What middleware does with answers, which come at once or later. */
import { ResponseHead } from '../http/response-head.js';
import type { Fields, GatewayResponse } from '../types.js';

export type Answer = GatewayResponse | Promise<GatewayResponse>;

/** The answer after a change; at once, if it was there at once: a promise costs a turn. */
export function changeAnswer(answer: Answer, change: (response: GatewayResponse) => Answer): Answer {
  return answer instanceof Promise ? answer.then(change) : change(answer);
}

/** The same head with other fields. */
export function headWithFields(head: ResponseHead, fields: Fields): ResponseHead {
  return new ResponseHead(head.status, fields, head.reason);
}
