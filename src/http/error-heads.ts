/**
 * What middleware has to say in the answer to an error. The error passes all of it on its way to the server, which makes the answer; then these
 * changes are made to its head, in the order in which a response would have passed them.
 */
import type { GatewayRequest } from '../types.js';
import { originalRequest } from './derived-request.js';
import type { ResponseHead } from './response-head.js';

export type HeadChange = (head: ResponseHead) => ResponseHead;

interface Noted {
  readonly error: unknown;
  readonly changes: HeadChange[];
}

// By request, as one error may be that of several.
const noted = new WeakMap<GatewayRequest, Noted>();

/** For an error that goes on its way. */
export function changeErrorHead(request: GatewayRequest, error: unknown, change: HeadChange): void {
  const original = originalRequest(request);
  const known = noted.get(original);
  // Another than before: that one was caught, and the application asked again, perhaps.
  if (known !== undefined && known.error === error) known.changes.push(change);
  else noted.set(original, { error, changes: [change] });
}

/** @param head of the answer to the error */
export function errorHeadFor(request: GatewayRequest, error: unknown, head: ResponseHead): ResponseHead {
  const known = noted.get(originalRequest(request));
  if (known === undefined || known.error !== error) return head;
  return known.changes.reduce((changed, change) => change(changed), head);
}
