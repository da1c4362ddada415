/**
 * The process of a worker that another process has forked: a zygote, or a spawner. Not our child: its parent tells how it ends. When that has
 * died, or does not tell of one that was killed, it is looked for.
 */
import { readFileSync } from 'node:fs';
import { isAlive } from '../process/alive.js';
import { signalName } from '../process/signal-name.js';
import type { ProcessOwner, SendSignal, WorkerProcess } from './worker-process.js';

/** How often is looked for a process that nobody tells about. */
const LOOK_MS = 50;
/** After a SIGKILL its parent has so long to tell of the end. */
const TELL_MS = 500;

export class ForkedProcess implements WorkerProcess {
  readonly #owner: ProcessOwner;
  readonly #signalTo: SendSignal;
  #pid: number | undefined;
  #exit: string | undefined;
  /** Asked for before the process id was known. */
  #signal: NodeJS.Signals | undefined;
  #looking: NodeJS.Timeout | undefined;

  constructor(owner: ProcessOwner, signalTo: SendSignal) {
    this.#owner = owner;
    this.#signalTo = signalTo;
  }

  get pid(): number | undefined {
    return this.#pid;
  }

  get exit(): string | undefined {
    return this.#exit;
  }

  kill(signal: NodeJS.Signals): void {
    if (this.#exit !== undefined) return;
    if (this.#pid === undefined) {
      this.#signal = signal;
      return;
    }
    this.#signalTo(this.#pid, signal);
    if (signal === 'SIGKILL') this.#lookAfter(TELL_MS, 'signal SIGKILL');
  }

  /** It was forked. */
  begun(pid: number): void {
    this.#pid = pid;
    this.#owner.started();
    if (this.#signal !== undefined) this.kill(this.#signal);
  }

  /** It was not forked. */
  failed(reason: string): void {
    this.#finish(reason);
  }

  /** Its parent has seen its end. */
  ended(code: number | null, signal: number | null): void {
    if (signal !== null) this.#finish(`signal ${signalName(signal) ?? `number ${signal}`}`);
    // An application that waits for all its children may have had this one.
    else this.#finish(code === null ? 'status unknown' : `status ${code}`);
  }

  /** Its parent has died: nobody tells how this process ends. @param parent what that was */
  orphaned(parent: string): void {
    clearTimeout(this.#looking);
    this.#looking = undefined;
    this.#lookAfter(LOOK_MS, `status unknown, for the ${parent} had died before`);
  }

  /** @param status how it ended, should it be gone */
  #lookAfter(pauseMs: number, status: string): void {
    this.#looking ??= setTimeout(() => {
      this.#looking = undefined;
      if (isRunning(this.#pid!)) this.#lookAfter(LOOK_MS, status);
      else this.#finish(status);
    }, pauseMs).unref();
  }

  #finish(status: string): void {
    if (this.#exit !== undefined) return;
    clearTimeout(this.#looking);
    this.#exit = status;
    this.#owner.exited(status);
  }
}

function isRunning(pid: number): boolean {
  if (!isAlive(pid)) return false;
  try {
    // Where nobody reaps it, it stays as a zombie. The name, in parentheses, may hold anything.
    return !/^[0-9]+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return true;
  }
}
