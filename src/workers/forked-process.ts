/** The process of a worker that a zygote has forked. Not our child: the zygote tells how it ends, and else only that it is gone. */
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import type { ProcessOwner, WorkerProcess } from './worker-process.js';

/** How often is looked for a process that nobody tells about. */
const LOOK_MS = 50;

const SIGNAL_NAMES = new Map(Object.entries(constants.signals).map(([name, number]) => [number, name]));

export class ForkedProcess implements WorkerProcess {
  readonly #owner: ProcessOwner;
  #pid: number | undefined;
  #exit: string | undefined;
  /** Asked for before the process id was known. */
  #signal: NodeJS.Signals | undefined;
  #looking: NodeJS.Timeout | undefined;

  constructor(owner: ProcessOwner) {
    this.#owner = owner;
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
    try {
      process.kill(this.#pid, signal);
    } catch {
      // ESRCH: its end is about to be told.
    }
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

  /** The zygote has seen its end. */
  ended(code: number | null, signal: number | null): void {
    if (signal !== null) this.#finish(`signal ${SIGNAL_NAMES.get(signal) ?? `number ${signal}`}`);
    // An application that waits for all its children may have had this one.
    else this.#finish(code === null ? 'status unknown' : `status ${code}`);
  }

  /** The zygote has died: nobody tells how this process ends. */
  orphaned(): void {
    const pid = this.#pid!;
    this.#looking = setInterval(() => {
      if (!isRunning(pid)) this.#finish('status unknown, for the zygote had died before');
    }, LOOK_MS).unref();
  }

  #finish(status: string): void {
    if (this.#exit !== undefined) return;
    clearInterval(this.#looking);
    this.#exit = status;
    this.#owner.exited(status);
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  try {
    // Where nobody reaps orphans, they stay as zombies. The name, in parentheses, may hold anything.
    return !/^[0-9]+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return true;
  }
}
