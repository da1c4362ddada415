/**
 * Answers of one's own for errors. The error goes on its way with it, to the one place where errors are logged and answered.
 */
import type { GatewayRequest, GatewayResponse } from '../types.js';
import { originalRequest } from './derived-request.js';

interface Given {
  readonly error: unknown;
  readonly answer: GatewayResponse;
}

// By request, as one error may be that of several: a page may be for one client.
const given = new WeakMap<GatewayRequest, Given>();

/**
 * One that there is already stays: it was made nearer to the error.
 *
 * @returns one that will not be sent: its body is to be let go of
 */
export function setErrorAnswer(
  request: GatewayRequest,
  error: unknown,
  answer: GatewayResponse,
): GatewayResponse | undefined {
  const original = originalRequest(request);
  const known = given.get(original);
  if (known !== undefined && known.error === error) return answer;
  // Of another error, which was caught, and the application asked again, perhaps.
  given.set(original, { error, answer });
  return known?.answer;
}

/** Once: it is the caller's then. */
export function takeErrorAnswer(request: GatewayRequest, error: unknown): GatewayResponse | undefined {
  const original = originalRequest(request);
  const known = given.get(original);
  if (known === undefined || known.error !== error) return undefined;
  given.delete(original);
  return known.answer;
}
