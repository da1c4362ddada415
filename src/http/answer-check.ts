/** Whether what a handler has answered with is an answer at all: TypeScript says so, and a handler in plain JavaScript has never asked it. */
import { LocalProtocolError } from '../errors.js';
import type { GatewayResponse, ResponseBody } from '../types.js';
import { ResponseHead } from './response-head.js';

/**
 * A head that was not made by ResponseHead has not been checked: its fields could end lines.
 *
 * @param who has answered, for messages
 * @throws LocalProtocolError `XGI_HTTP_BAD_RESPONSE`
 */
export function checkAnswer(answer: unknown, who = 'the handler'): asserts answer is GatewayResponse {
  const { head, body } = (answer ?? {}) as { readonly head?: unknown; readonly body?: unknown };
  if (!(head instanceof ResponseHead))
    throw misfit(`${who} has answered without a head; expected { head: new ResponseHead(…), body }`);
  if (!isBody(body as Partial<ResponseBody> | null | undefined))
    throw misfit(
      `the body that ${who} has answered with is none; expected { kind: … }, empty, bytes, file, stream or tunnel, with what belongs to it`,
    );
}

/** @throws LocalProtocolError `XGI_HTTP_BAD_RESPONSE_HEAD` for what is no interim response (RFC 9110 section 15.2) */
export function checkInterimHead(head: unknown): asserts head is ResponseHead {
  if (head instanceof ResponseHead && head.status < 200 && head.status !== 101) return;
  const received = head instanceof ResponseHead ? String(head.status) : 'no ResponseHead';
  throw new LocalProtocolError(
    'XGI_HTTP_BAD_RESPONSE_HEAD',
    `an interim response has a head with status 1xx but 101, not ${received}`,
  );
}

/** A response that cannot be put on the wire. */
export function misfit(observed: string): LocalProtocolError {
  return new LocalProtocolError('XGI_HTTP_BAD_RESPONSE', `cannot send this response: ${observed}`);
}

function isBody(body: Partial<ResponseBody> | null | undefined): boolean {
  switch (body?.kind) {
    case 'empty':
      return true;
    case 'bytes':
      return typeof body.bytes === 'string' || Buffer.isBuffer(body.bytes);
    case 'file':
      return Array.isArray(body.file?.pieces);
    case 'stream':
      return typeof body.source?.start === 'function';
    case 'tunnel':
      return typeof body.accept === 'function';
    default:
      return false;
  }
}
