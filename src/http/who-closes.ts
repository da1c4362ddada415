/** Asks a client that has ended its input whether it is still there. */
import type { GatewayRequest, InputEndListener } from '../types.js';
import { ResponseHead } from './response-head.js';

const CONTINUE = new ResponseHead(100);

/**
 * A client that closes its connection looks like one that only half-closes, until something is sent to it: whoever still reads discards a
 * `100 Continue` (RFC 9110 section 15.2), and who has gone answers with a reset, which `onAbort` tells.
 *
 * @returns what asks once, as soon as the input has ended
 */
export function whoCloses(request: Pick<GatewayRequest, 'inform'>): InputEndListener {
  let isAsked = false;
  return {
    inputEnded: () => {
      if (isAsked) return;
      isAsked = true;
      request.inform(CONTINUE);
    },
  };
}
