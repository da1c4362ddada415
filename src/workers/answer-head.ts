/**
 * The head of a worker's answer, `status NUL name NUL value …`, as a ResponseHead. An application gives the same few heads again
 * and again: each is read and checked once.
 */
import { GatewayError, LocalProtocolError } from '../errors.js';
import { ResponseHead } from '../http/response-head.js';

const MAX_HEADS = 512;
/** A longer head (cookies, mostly) is seldom seen twice. */
const MAX_CACHED_LENGTH = 1024;
const STATUS = /^([2-5][0-9]{2})(?: (.*))?$/s;

const heads = new Map<string, ResponseHead>();

/** @throws GatewayError 502 `XGI_WORKER_BAD_HEAD`: the worker's checks have failed, or it is not ours */
export function readAnswerHead(text: string): ResponseHead {
  let head = heads.get(text);
  if (head === undefined) {
    head = parse(text);
    if (text.length <= MAX_CACHED_LENGTH) {
      if (heads.size >= MAX_HEADS) heads.clear();
      heads.set(text, head);
    }
  }
  return head;
}

function parse(text: string): ResponseHead {
  const [statusLine, ...fields] = text.split('\0');
  const status = STATUS.exec(statusLine!);
  if (status === null) throw badHead(`the status is ${JSON.stringify(statusLine)}`);
  try {
    return new ResponseHead(Number(status[1]), fields, status[2] ?? '');
  } catch (error) {
    if (error instanceof LocalProtocolError) throw badHead(error.message);
    throw error;
  }
}

function badHead(observed: string): GatewayError {
  return new GatewayError(
    502,
    'XGI_WORKER_BAD_HEAD',
    `the worker sent a response head that breaks HTTP: ${observed}`,
  );
}
