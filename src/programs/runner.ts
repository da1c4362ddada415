/** What runs programs, seen from those who want one run. */
import { GatewayError } from '../errors.js';
import type { Command, ProgramEnd } from '../wire/frames.js';

/** Output of one run that may be on its way to a client. */
export const CREDIT_BYTES = 262_144;

/** Why a runner that stops ends what runs. */
export function stopped(): GatewayError {
  return new GatewayError(503, 'XGI_STOPPING', 'the server is being stopped');
}

export interface RunOrder {
  readonly command: Command;
  /** name NUL value NUL name NUL value, latin-1; over what every program is given. */
  readonly environ: string;
  /** What the program reads, if the command names no file for it: at most 64 KiB, or, if more follows, 128 KiB. */
  readonly body: Buffer;
  /** That is only the beginning of it: {@link Run.feed} and {@link Run.endBody} follow. */
  readonly more: boolean;
}

/**
 * Who hears of a run: `started`, then output, until both `outputEnded` and `ended` have been called, in either order; or `failed`.
 * Nothing is called before `run` has returned.
 */
export interface RunOwner {
  /** `warm`: it was forked from an interpreter that runs already. */
  started(pid: number, warm: boolean): void;
  /** Standard output; the chunk is the owner's, who says by {@link Run.taken} when its bytes are gone. */
  output(chunk: Buffer): void;
  errorOutput(chunk: Buffer): void;
  /** The program and all that it started have closed standard output. Not called after {@link Run.abort}. */
  outputEnded(): void;
  ended(end: ProgramEnd): void;
  /** More of the body may be fed. */
  bodyWanted(): void;
  /** Nobody reads the body any more: what is fed is dropped. */
  bodyClosed(): void;
  /** It could not be started, or its runner ends it for its own sake: it stops, or has died. Nothing follows. */
  failed(error: GatewayError): void;
}

export interface Run {
  /** The process that runs it; null if that is the gateway itself. */
  readonly runner: number | null;
  /** So many bytes of output have left for the client, or were dropped: the program may write so many more. */
  taken(bytes: number): void;
  /** Takes more of the body, which is copied. @returns whether more is wanted now; else {@link RunOwner.bodyWanted} tells when */
  feed(chunk: Buffer): boolean;
  /** The body is complete: the program reads its end. */
  endBody(): void;
  /**
   * Ends the program, and what it has started: SIGTERM, then SIGKILL. `ended` is still called, or `failed`. A body that is not complete does not
   * end for it.
   */
  abort(): void;
}

/** One process that runs programs. */
export interface RunnerStatus {
  /** null if that is the gateway itself, or none at the moment. */
  readonly pid: number | null;
  readonly ready: boolean;
  readonly startedAtMs: number;
  /** Counts reloads. */
  readonly generation: number;
  /** Runs that are over. */
  readonly served: number;
  readonly booted: number;
  readonly crashed: number;
}

/** Runs programs, each in a process of its own. */
export interface Runner {
  /** Whether `run` may be called. */
  readonly isReady: boolean;
  /** Called whenever it becomes ready, or more of it. */
  set onReady(onReady: () => void);
  /** Does nothing if it is ready. @throws BootError */
  start(): Promise<void>;
  run(order: RunOrder, owner: RunOwner): Run;
  /** What interpreters have loaded in advance is loaded anew. */
  reload(): void;
  /** Waits for the programs that run, ends those that take longer than that, and itself. */
  stop(graceMs: number): Promise<void>;
  /** At least one. */
  status(): readonly RunnerStatus[];
}
