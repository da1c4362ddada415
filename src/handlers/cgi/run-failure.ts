/** What went wrong with a run, as an error that names the program and how it has ended. */
import { GatewayError } from '../../errors.js';
import { describeMissingHead } from '../../gateway/cgi-head.js';
import { signalName } from '../../process/signal-name.js';
import type { ProgramEnd } from '../../wire/frames.js';

/** A program, as messages tell of it. */
export interface Subject {
  readonly name: string;
  /** undefined while it runs. */
  readonly end: ProgramEnd | undefined;
  /** The last lines of its standard error. */
  readonly lastWords: string;
}

/** `was killed by SIGKILL`, `ended with status 3`, `has closed its output`. */
export function describeEnd(end: ProgramEnd | undefined): string {
  if (end === undefined) return 'has closed its output';
  const { code, signal } = end;
  if (signal !== null) return `was killed by ${signalName(signal) ?? `signal ${signal}`}`;
  return code === null ? 'ended, nobody knows how' : `ended with status ${code}`;
}

/** @param seen what came of a head */
export function withoutHead(subject: Subject, seen: Buffer): GatewayError {
  const { code, signal } = subject.end ?? { code: null, signal: null };
  const missing = describeMissingHead(seen);
  if (signal === null && (code === null || code === 0))
    return failure(subject, 502, missing.code, `${subject.name}: ${missing.message}`);
  const kind = signal === null ? 'XGI_CGI_EXIT' : 'XGI_CGI_SIGNAL';
  return failure(subject, 502, kind, `${subject.name} ${describeEnd(subject.end)} before it had sent a head`);
}

export function truncated(subject: Subject): GatewayError {
  const message = `${subject.name} ${describeEnd(subject.end)} before its answer was complete`;
  return failure(subject, 502, 'XGI_CGI_TRUNCATED', message);
}

/** @param what `has not ended after 30 s (--cgi-timeout)` */
export function timedOut(subject: Subject, what: string): GatewayError {
  const message = `${subject.name} ${what} and is ended, with all that it has started`;
  return failure(subject, 504, 'XGI_CGI_TIMEOUT', message);
}

/** The same error, with the program named. */
export function named(error: Error, name: string): Error {
  if (!(error instanceof GatewayError)) return error;
  const { status, code, message, detail } = error;
  return new GatewayError(status, code, `${name}: ${message}`, detail === undefined ? {} : { detail });
}

function failure(
  { lastWords }: Subject,
  status: number,
  code: GatewayError['code'],
  message: string,
): GatewayError {
  return new GatewayError(status, code, message, lastWords === '' ? {} : { detail: lastWords });
}
