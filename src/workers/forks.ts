/** The processes that a zygote, or a spawner, forks for us when it is asked (FORK, FORKED and EXITED of docs/protocol.md). */
import { FrameError } from '../errors.js';
import { ForkedProcess } from './forked-process.js';
import type { Invitation, ProcessOwner, SendSignal, WorkerProcess } from './worker-process.js';

export interface ForksOptions {
  /** What forks, for messages. */
  readonly parent: 'zygote' | 'spawner';
  readonly signal: SendSignal;
  /** Sends a FORK. */
  ask(id: number, start: Invitation): void;
  /** A FORK has not been answered for so long. */
  late(afterMs: number): void;
}

/** Far longer than a fork takes. */
const FORK_MS = 10_000;

export class Forks {
  readonly #options: ForksOptions;
  /** Forks that were asked for, by their id, and those that were made, by their process id. */
  readonly #asked = new Map<number, ForkedProcess>();
  readonly #forked = new Map<number, ForkedProcess>();
  #lastId = 0;

  constructor(options: ForksOptions) {
    this.#options = options;
  }

  launch(invitation: Invitation, owner: ProcessOwner): WorkerProcess {
    const id = ++this.#lastId;
    const child = new ForkedProcess(owner, this.#options.signal);
    this.#asked.set(id, child);
    this.#options.ask(id, invitation);
    setTimeout(() => {
      if (this.#asked.has(id)) this.#options.late(FORK_MS);
    }, FORK_MS).unref();
    return child;
  }

  /** @throws FrameError if it was not asked for */
  forked(id: number, pid: number | null, error: string | null): void {
    const child = this.#asked.get(id);
    if (child === undefined) throw new FrameError(`FORKED: ${id} was not asked for`);
    this.#asked.delete(id);
    if (pid === null) {
      const what = this.#options.parent === 'zygote' ? 'forked' : 'started';
      child.failed(`could not be ${what}: ${error ?? ''}`);
      return;
    }
    this.#forked.set(pid, child);
    child.begun(pid);
  }

  /** @throws FrameError if it was not forked */
  exited(pid: number, code: number | null, signal: number | null): void {
    const child = this.#forked.get(pid);
    if (child === undefined) throw new FrameError(`EXITED: ${pid} was not forked`);
    this.#forked.delete(pid);
    child.ended(code, signal);
  }

  /** Nobody answers any more, nor tells how they end. */
  parentGone(): void {
    const { parent } = this.#options;
    for (const child of this.#asked.values()) child.failed(`the ${parent} ended before it had forked`);
    for (const child of this.#forked.values()) child.orphaned(parent);
    this.#asked.clear();
  }
}
