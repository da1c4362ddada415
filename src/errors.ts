/**
 * Every error class and code of xgi.
 *
 * An error that a user, an operator or a client may see is an {@link XgiError}: a stable code, the cause
 * with what was observed, and the fix. Its `message` is complete in itself; `detail` (a traceback, say) goes
 * to the log and never to a client.
 */
import { fileURLToPath } from 'node:url';
import { formatKind } from './errors/received.js';

/** Where an error was found decides who sees it: `XGI_HTTP_*` the client, `XGI_CONFIG_*` the person at the shell. */
export type ErrorCode = `XGI_${Uppercase<string>}`;

/** What an error has beside its code and its message. */
export interface XgiErrorOptions {
  /** Further lines for the log: a traceback, the output of a program. Never sent to a client. */
  readonly detail?: string;
  readonly cause?: unknown;
}

/** The base of all errors that xgi raises on purpose. */
export class XgiError extends Error {
  readonly code: ErrorCode;
  readonly detail: string | undefined;

  constructor(code: ErrorCode, message: string, options: XgiErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.detail = options.detail;
  }
}

/**
 * The client broke HTTP or a limit; the connection cannot go on.
 *
 * Carries the status to answer with (RFC 9110 section 15.5). The server closes the connection after it.
 */
export class RemoteProtocolError extends XgiError {
  readonly status: number;

  constructor(status: number, code: ErrorCode, message: string) {
    super(code, message);
    this.status = status;
  }
}

/** We broke a protocol ourselves: a handler's response that cannot be put on the wire. Answered with 500 or 502. */
export class LocalProtocolError extends XgiError {}

/** A request that failed on its way to an answer; `status` is what the client gets if nothing was sent yet. */
export class GatewayError extends XgiError {
  readonly status: number;
  /** Of the answer, beside those that every error has: name, value, name, value … */
  readonly fields: readonly string[];

  constructor(
    status: number,
    code: ErrorCode,
    message: string,
    options?: XgiErrorOptions & { readonly fields?: readonly string[] },
  ) {
    super(code, message, options);
    this.status = status;
    this.fields = options?.fields ?? [];
  }
}

/** A worker or the gateway broke the frame protocol (docs/protocol.md). The worker is replaced. */
export class FrameError extends XgiError {
  constructor(message: string) {
    super('XGI_WIRE_PROTOCOL', message);
  }
}

/** A flag, a variable or a file that cannot be used: exit status 2. The message names it, what was expected and what was received. */
export class ConfigError extends XgiError {}

/** The application could not be loaded: exit status 3. `detail` is its traceback. */
export class BootError extends XgiError {}

/** An address that cannot be listened on: exit status 1. */
export class ListenError extends XgiError {}

/** The status that a client gets for an error, if nothing was sent yet. */
export function statusOfError(error: unknown): number {
  if (isInstance(error, GatewayError) || isInstance(error, RemoteProtocolError)) return error.status;
  return isInstance(error, LocalProtocolError) ? 502 : 500;
}

/** What was thrown, in words: anything may be, and not everything can be made a string of. */
export function messageOf(thrown: unknown): string {
  try {
    return String(thrown instanceof Error ? thrown.message : thrown);
  } catch {
    return UNREADABLE;
  }
}

const UNREADABLE = 'what cannot be read';

/** As `instanceof`, which throws for a proxy that has been revoked. */
export function isInstance<T extends object>(
  thrown: unknown,
  type: abstract new (...args: never[]) => T,
): thrown is T {
  try {
    return thrown instanceof type;
  } catch {
    return false;
  }
}

const root = new URL('..', import.meta.url);
/** As built, and as its tests run it; as paths, and as URLs have them. */
const OURS = [fileURLToPath(root), root.pathname].flatMap((folder) => [`${folder}dist/`, `${folder}src/`]);

/**
 * Never throws, whatever was thrown: an application may have copied properties of any type into its errors, also such as a client has sent.
 *
 * @returns the error itself, if it is one of ours; else one that says what was thrown, with its stack: `XGI_APP_RAISED` if an application or middleware
 * threw it, `XGI_INTERNAL` if that happened in xgi
 */
export function asXgiError(thrown: unknown): XgiError {
  try {
    return thrown instanceof XgiError && hasTexts(thrown) ? thrown : readError(thrown);
  } catch {
    return raised(UNREADABLE);
  }
}

/** Whether it can be told as it is. */
function hasTexts(error: XgiError): boolean {
  const { code, message, detail = '' } = error;
  return [code, message, detail].every((text) => typeof text === 'string');
}

function readError(thrown: unknown): XgiError {
  if (!(thrown instanceof Error)) return raised(`${formatKind(thrown)}, which is no Error`);
  const name = String(thrown.name);
  const message = String(thrown.message);
  const stack = typeof thrown.stack === 'string' ? thrown.stack : message;
  if (isOurs(stack))
    return new XgiError('XGI_INTERNAL', 'the request failed inside xgi; please report this', {
      detail: stack,
    });
  return raised(`${name}: ${message}`, stack);
}

function raised(what: string, stack?: string): XgiError {
  const options = stack === undefined ? {} : { detail: stack };
  return new XgiError('XGI_APP_RAISED', `the application or its middleware threw ${what}`, options);
}

/** Whether a file is one of xgi's own code. @param file its path, absolute, or that of its URL */
export function isOwnFile(file: string): boolean {
  return OURS.some((folder) => file.startsWith(folder));
}

/** A line of a stack that is in a file. */
export interface StackFrame {
  /** Absolute. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** @returns undefined for a line that is none: the message, or a frame of Node's own */
export function readFrame(line: string): StackFrame | undefined {
  const [, scheme, path, row, column] =
    /^ +at (?:.*\()?(?:async )?(file:\/\/)?(\/.*):(\d+):(\d+)\)?$/.exec(line) ?? [];
  if (path === undefined) return undefined;
  const file = scheme === undefined ? path : decodedOr(path);
  return { file, line: Number(row), column: Number(column) };
}

/** A message may have a line that looks like a frame, with anything in it. */
function decodedOr(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** The innermost frame that is wanted. */
export function findFrame(stack: string, isWanted: (frame: StackFrame) => boolean): StackFrame | undefined {
  for (const line of stack.split('\n')) {
    const frame = readFrame(line);
    if (frame !== undefined && isWanted(frame)) return frame;
  }
  return undefined;
}

/** By the first of its frames that is in a file. Without any, nobody else can have thrown it. */
function isOurs(stack: string): boolean {
  const frame = findFrame(stack, () => true);
  return frame === undefined || isOwnFile(frame.file);
}
