/** One program that the launcher runs. */
import { GatewayError } from '../errors.js';
import type { FrameEncoder } from '../wire/encoder.js';
import type { ProgramEnd, WorkerFailure } from '../wire/frames.js';
import type { LaunchedBody } from './launched-body.js';
import { requestIdIn, type Orphan } from './orphans.js';
import { type Run, type RunOwner, stopped } from './runner.js';
import { startFailure } from './start-failure.js';

export interface LaunchedRunOptions {
  readonly stream: number;
  /** The launcher's process. */
  readonly launcher: number | null;
  readonly owner: RunOwner;
  /** Towards the launcher; `flushSoon` after each frame. */
  readonly frames: FrameEncoder;
  readonly flushSoon: () => void;
  /** Of the order. */
  readonly environ: string;
  /** What its order has only begun; undefined if that was complete. */
  readonly body: LaunchedBody | undefined;
  /** Whether its programs are ours to kill. Those of another user are not, and the process ids that it tells of may be anybody's. */
  readonly mayKill: boolean;
  /** Called when nothing more is wanted from the launcher about it. */
  readonly over: () => void;
}

/** Credit is given back in pieces of at least this size, but for what a slow client takes last. */
const MIN_CREDIT_BYTES = 65_536;

export class LaunchedRun implements Run {
  readonly #options: LaunchedRunOptions;
  #pid: number | undefined;
  #owed = 0;
  #aborted = false;
  /** Its owner has been told that nothing follows. */
  #forsaken = false;
  #outputEnded = false;
  #ended = false;

  constructor(options: LaunchedRunOptions) {
    this.#options = options;
  }

  get runner(): number | null {
    return this.#options.launcher;
  }

  // --- from its owner ---

  taken(bytes: number): void {
    this.#owed += bytes;
    if (this.#owed < MIN_CREDIT_BYTES || this.#outputEnded || this.#aborted) return;
    const { frames, stream, flushSoon } = this.#options;
    frames.credit(stream, this.#owed);
    this.#owed = 0;
    flushSoon();
  }

  feed(chunk: Buffer): boolean {
    return this.#options.body?.feed(chunk) ?? true;
  }

  endBody(): void {
    this.#options.body?.end();
  }

  abort(): void {
    if (this.#aborted || (this.#ended && this.#outputEnded)) return;
    this.#aborted = true;
    this.#options.body?.close();
    const { frames, stream, flushSoon } = this.#options;
    frames.abort(stream);
    flushSoon();
    this.#checkOver();
  }

  /** Ends it because the runner stops: its owner hears of nothing more. */
  stop(): void {
    this.abort();
    if (this.#forsaken) return;
    this.#forsaken = true;
    this.#options.owner.failed(stopped());
  }

  // --- from the launcher ---

  started(pid: number, warm: boolean): void {
    this.#pid = pid;
    if (!this.#forsaken) this.#options.owner.started(pid, warm);
  }

  data(chunk: Buffer): void {
    if (!this.#aborted) this.#options.owner.output(chunk);
  }

  stderr(bytes: Buffer): void {
    if (!this.#forsaken) this.#options.owner.errorOutput(bytes);
  }

  end(): void {
    this.#outputEnded = true;
    if (!this.#aborted) this.#options.owner.outputEnded();
    this.#checkOver();
  }

  programEnded(end: ProgramEnd): void {
    this.#ended = true;
    if (!this.#forsaken) this.#options.owner.ended(end);
    this.#checkOver();
  }

  bodyCredit(bytes: number): void {
    if (this.#options.body?.grant(bytes) === true && !this.#forsaken) this.#options.owner.bodyWanted();
  }

  bodyClosed(): void {
    this.#options.body?.close();
    if (!this.#forsaken) this.#options.owner.bodyClosed();
  }

  error(failure: WorkerFailure): void {
    this.#options.body?.close();
    this.#options.over();
    if (!this.#forsaken) this.#options.owner.failed(startFailure(failure.class, failure.message));
  }

  /** The launcher has died, and nobody else ends the program. @returns what may be left of it */
  orphaned(status: string): Orphan {
    const { environ, body, mayKill, owner } = this.#options;
    body?.close();
    if (this.#pid !== undefined && !this.#ended && mayKill) killGroup(this.#pid);
    const message = `the launcher ended (${status}) while it ran the program`;
    if (!this.#forsaken) owner.failed(new GatewayError(502, 'XGI_CGI_LAUNCHER', message));
    return { requestId: mayKill ? requestIdIn(environ) : undefined, pid: this.#pid };
  }

  #checkOver(): void {
    if (!this.#ended || (!this.#outputEnded && !this.#aborted)) return;
    this.#options.body?.close();
    this.#options.over();
  }
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended already.
  }
}
