/**
 * The head of a worker's answer, `status NUL name NUL value …`, as a ResponseHead. An application gives the same few heads again
 * and again: each is read and checked once.
 */
import { GatewayError, LocalProtocolError } from '../errors.js';
import { formatReceived } from '../errors/received.js';
import { HeadCache } from '../http/head-cache.js';
import { ResponseHead } from '../http/response-head.js';

const STATUS = /^([2-5][0-9]{2})(?: (.*))?$/s;

const heads = new HeadCache();

/** @throws GatewayError 502 `XGI_WORKER_BAD_HEAD`: the worker's checks have failed, or it is not ours */
export function readAnswerHead(text: string): ResponseHead {
  return heads.get(text) ?? heads.add(text, parse(text));
}

function parse(text: string): ResponseHead {
  const [statusLine, ...fields] = text.split('\0');
  const status = STATUS.exec(statusLine!);
  if (status === null) throw badHead(`the status is ${formatReceived(statusLine)}`);
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
