/** What the middleware that rewrites content has in common: which answers it is about, and that it is about whole ones. */
import { disposeBody } from '../bodies/dispose-body.js';
import { mayBeRewritten, mediaTypeIn } from '../http/changed-content.js';
import { deriveRequest } from '../http/derived-request.js';
import { withoutFields } from '../http/field-values.js';
import type { ResponseHead } from '../http/response-head.js';
import type { GatewayRequest, GatewayResponse, Middleware } from '../types.js';
import { type Answer, changeAnswer } from './answer.js';

export interface Rewriting {
  /** By its fields; that its content may be changed has been seen to. */
  isWanted(head: ResponseHead): boolean;
  change(response: GatewayResponse, request: GatewayRequest): Answer;
}

const RANGE: ReadonlySet<string> = new Set(['range', 'if-range']);

export function rewriting({ isWanted, change }: Rewriting): Middleware {
  return (next) => {
    const decide = (request: GatewayRequest, response: GatewayResponse): Answer =>
      mayBeRewritten(response.head) && isWanted(response.head) ? change(response, request) : response;
    return (request) =>
      changeAnswer(next(request), (response) => {
        if (!isPart(response.head, isWanted) || request.body !== null) return decide(request, response);
        // Of what is rewritten there are no parts: their places in the old content are not those in the new.
        disposeBody(response.body);
        const whole = deriveRequest(request, { fields: withoutFields(request.fields, RANGE) });
        return changeAnswer(next(whole), (answer) => decide(whole, answer));
      });
  };
}

/** The parts of several ranges have their types inside. */
function isPart(head: ResponseHead, isWanted: (head: ResponseHead) => boolean): boolean {
  return head.status === 206 && (isWanted(head) || mediaTypeIn(head.fields) === 'multipart/byteranges');
}
