/** The one place where an error becomes a response and a log record. */
import { STATUS_CODES } from 'node:http';
import { GatewayError, LocalProtocolError, RemoteProtocolError, XgiError } from '../errors.js';
import { ResponseHead } from '../http/response-head.js';
import type { GatewayResponse, Log } from '../types.js';

/** The status that a client gets for an error. */
function statusOf(error: unknown): number {
  if (error instanceof GatewayError || error instanceof RemoteProtocolError) return error.status;
  return error instanceof LocalProtocolError ? 502 : 500;
}

export interface ErrorAnswerOptions {
  readonly requestId?: string;
  /** Whether a client is told what went wrong inside, too. Default false. */
  readonly tellsDetails?: boolean;
}

/**
 * A plain-text answer: status, code, and for the client's own mistakes the cause. What went wrong inside is told in the
 * log under the same request id, and not to a stranger.
 */
export function errorResponse(
  error: unknown,
  { requestId, tellsDetails = false }: ErrorAnswerOptions = {},
): GatewayResponse {
  const status = statusOf(error);
  const code = error instanceof XgiError ? error.code : 'XGI_INTERNAL';
  let text = `${status} ${STATUS_CODES[status] ?? ''}\n\n${code}`;
  if (tellsDetails) text += `: ${describe(error)}`;
  else if (error instanceof XgiError && (status < 500 || error instanceof RemoteProtocolError))
    text += `: ${error.message}`;
  else if (requestId !== undefined) text += `\nrequest ${requestId}`;
  const fields = ['Content-Type', 'text/plain; charset=utf-8'];
  if (status === 503) fields.push('Retry-After', '1');
  // The message may quote what a client sent: it is text, and no browser is to take it for anything else.
  if (tellsDetails) fields.push('X-Content-Type-Options', 'nosniff');
  // As bytes it is framed by its true length.
  return { head: new ResponseHead(status, fields), body: { kind: 'bytes', bytes: Buffer.from(`${text}\n`) } };
}

/** All that the log would say. */
function describe(error: unknown): string {
  if (!(error instanceof XgiError))
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  return error.detail === undefined ? error.message : `${error.message}\n\n${error.detail}`;
}

/** Where and for whom an error happened. */
export interface ErrorContext {
  readonly requestId?: string;
  readonly requestLine?: string;
  readonly client: string;
}

/** Errors of a client are information, errors of ours or of a program are errors. */
export function logError(log: Log, error: unknown, context: ErrorContext): void {
  const { requestId, requestLine, client } = context;
  const about = requestLine === undefined ? '' : ` (${requestLine})`;
  if (!(error instanceof XgiError)) {
    const detail = error instanceof Error ? error.stack : String(error);
    log.error(`XGI_INTERNAL: the request failed inside xgi${about}; please report this`, {
      requestId,
      client,
      detail,
    });
    return;
  }
  const ours = statusOf(error) >= 500 && !(error instanceof RemoteProtocolError);
  const { code, message, detail } = error;
  if (ours) log.error(`${code}: ${message}${about}`, { code, requestId, client, detail });
  else
    log.info(`${code}: from ${client || 'a Unix-domain peer'}: ${message}${about}`, {
      code,
      requestId,
      detail,
    });
}
