/** The one place where an error becomes a response and a log record. */
import { STATUS_CODES } from 'node:http';
import { disposeBody } from '../bodies/dispose-body.js';
import { asXgiError, RemoteProtocolError, statusOfError } from '../errors.js';
import { misfit } from '../http/answer-check.js';
import { takeErrorAnswer } from '../http/error-answer.js';
import { errorFields } from '../http/error-fields.js';
import { errorHeadFor } from '../http/error-heads.js';
import { ResponseHead } from '../http/response-head.js';
import type { GatewayRequest, GatewayResponse, Log } from '../types.js';
import { formatErrorPage, PAGE_POLICY } from './error-page.js';
import type { Exchange } from './exchange.js';

export interface ErrorAnswerOptions {
  /** What could not be answered; none if it never became a request. */
  readonly request?: GatewayRequest;
  /** Tell the client what went wrong inside, as text or, if it takes one, as a page. Default false. */
  readonly tellsDetails?: boolean;
}

/** Who sends the answer to the error of a request. */
export interface Answering {
  readonly log: Log;
  readonly request: Exchange;
  readonly tellsDetails: boolean;
  /** @throws what makes the answer one that cannot be sent; before anything of it is */
  readonly write: (response: GatewayResponse) => void;
  /** Ends the request without an answer. */
  readonly cut: (error: Error) => void;
}

/**
 * Logs an error and answers it. Never throws, whatever was made for the error: an answer that cannot be sent is logged as well, and the plain one is
 * sent in its place.
 */
export function answerError(thrown: unknown, { log, request, tellsDetails, write, cut }: Answering): void {
  logRequestError(log, thrown, request);
  const options = { request, tellsDetails };
  const response = errorResponse(thrown, options);
  try {
    write(response);
    return;
  } catch (unfit) {
    dropResponse(log, response, request);
    logRequestError(log, unfit, request);
    if (request.answered) {
      cut(unfit as Error);
      return;
    }
  }
  try {
    write(plainResponse(thrown, options));
  } catch (unfit) {
    // Not for its head or body: whoever sends it cannot.
    logRequestError(log, unfit, request);
    cut(unfit as Error);
  }
}

/**
 * The answer that the error was given on its way; where its cause is told to the client, only if it is the client's own mistake. Else
 * a plain-text answer: status, code, and for the client's own mistakes the cause. What went wrong inside is told in the
 * log under the same request id, and not to a stranger.
 */
export function errorResponse(thrown: unknown, options: ErrorAnswerOptions = {}): GatewayResponse {
  const { request } = options;
  if (request === undefined) return plainResponse(thrown, options);
  try {
    const response = ownResponse(thrown, request, options) ?? describeError(thrown, options);
    return { ...response, head: errorHeadFor(request, thrown, response.head) };
  } catch {
    return plainResponse(thrown, options);
  }
}

/** Without anything that middleware has said on the way. */
function plainResponse(thrown: unknown, options: ErrorAnswerOptions): GatewayResponse {
  try {
    return describeError(thrown, options);
  } catch (unfit) {
    // A handler has made an error whose status or fields are none: there has to be an answer all the same.
    return describeError(unfit, options);
  }
}

function ownResponse(
  thrown: unknown,
  request: GatewayRequest,
  { tellsDetails = false }: ErrorAnswerOptions,
): GatewayResponse | undefined {
  const own = takeErrorAnswer(request, thrown);
  if (own === undefined || !tellsDetails || statusOfError(asXgiError(thrown)) < 500) return own;
  disposeBody(own.body);
  return undefined;
}

function describeError(
  thrown: unknown,
  { request, tellsDetails = false }: ErrorAnswerOptions,
): GatewayResponse {
  const requestId = request?.id;
  const takesPage = request?.field('accept')?.includes('text/html') === true;
  const error = asXgiError(thrown);
  const status = statusOfError(error);
  const { code, message, detail = '' } = error;
  const title = `${status} ${STATUS_CODES[status] ?? ''}`;
  const fields = errorFields(error, status);
  if (tellsDetails && takesPage) {
    const page = formatErrorPage({ title, code, message, detail, requestId });
    return answer(status, page, ['Content-Type', HTML, 'Content-Security-Policy', PAGE_POLICY, ...fields]);
  }
  let text = `${title}\n\n${code}`;
  if (tellsDetails) text += `: ${message}${detail === '' ? '' : `\n\n${detail}`}`;
  else if (status < 500 || error instanceof RemoteProtocolError) text += `: ${message}`;
  else if (requestId !== undefined) text += `\nrequest ${requestId}`;
  return answer(status, `${text}\n`, ['Content-Type', 'text/plain; charset=utf-8', ...fields]);
}

const HTML = 'text/html; charset=utf-8';

/** @throws LocalProtocolError */
function answer(status: number, text: string, fields: string[]): GatewayResponse {
  if (status < 200) throw misfit(`the final status is ${status}`);
  // The text may quote what a client has sent: it is what we say it is. As bytes it is framed by its true length.
  fields.push('X-Content-Type-Options', 'nosniff');
  return { head: new ResponseHead(status, fields), body: { kind: 'bytes', bytes: Buffer.from(text) } };
}

/** Where and for whom an error happened. */
export interface ErrorContext {
  readonly requestId?: string;
  readonly requestLine?: string;
  readonly client: string;
}

/** Errors of a client are information, errors of ours or of a program are errors. */
export function logError(log: Log, thrown: unknown, context: ErrorContext): void {
  const { requestId, requestLine, client } = context;
  const about = requestLine === undefined ? '' : ` (${requestLine})`;
  const error = asXgiError(thrown);
  const ours = statusOfError(error) >= 500 && !(error instanceof RemoteProtocolError);
  const { code, message, detail } = error;
  if (ours) log.error(`${code}: ${message}${about}`, { code, requestId, client, detail });
  else
    log.info(`${code}: from ${client || 'a Unix-domain peer'}: ${message}${about}`, {
      code,
      requestId,
      detail,
    });
}

/** The same for a request. */
export function logRequestError(log: Log, thrown: unknown, request: GatewayRequest): void {
  logError(log, thrown, {
    requestId: request.id,
    requestLine: `${request.method} ${request.target}`,
    client: request.clientAddress,
  });
}

/** Lets go of a response that is not sent. */
export function dropResponse(log: Log, response: GatewayResponse, request: GatewayRequest): void {
  try {
    // A handler in plain JavaScript may have answered with anything.
    if (response?.body) disposeBody(response.body);
  } catch (error) {
    logRequestError(log, error, request);
  }
}
