/** What an application or middleware has answered with, before others read it. */
import { disposeBody } from '../bodies/dispose-body.js';
import { checkAnswer } from '../http/answer-check.js';
import type { GatewayResponse } from '../types.js';

/**
 * The answer itself. Of what is none, the body is let go of, as nobody else will.
 *
 * @param who has answered, for messages
 * @throws LocalProtocolError `XGI_HTTP_BAD_RESPONSE`
 */
export function acceptAnswer(answer: unknown, who?: string): GatewayResponse {
  try {
    checkAnswer(answer, who);
    return answer;
  } catch (error) {
    letGo(answer);
    throw error;
  }
}

function letGo(answer: unknown): void {
  try {
    const { body } = answer as GatewayResponse;
    disposeBody(body);
  } catch {
    // It has none that could be let go of: why the answer is none is what is told.
  }
}
