/**
 * Answers of one's own for errors. The error goes on its way with it, to the one place where errors are logged and answered.
 */
import type { GatewayResponse } from '../types.js';

const answers = new WeakMap<object, GatewayResponse>();

/** One that there is already stays: it was made nearer to the error. */
export function setErrorAnswer(error: object, answer: GatewayResponse): void {
  if (!answers.has(error)) answers.set(error, answer);
}

export function errorAnswerOf(error: unknown): GatewayResponse | undefined {
  return typeof error === 'object' && error !== null ? answers.get(error) : undefined;
}
