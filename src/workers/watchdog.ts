/**
 * Ends requests of one worker that run for too long without progress: 504 for the client and INTERRUPT for the worker, then
 * SIGABRT, then SIGKILL (docs/protocol.md, "An answer"). A thread that cannot be interrupted does not take its neighbours along: the
 * worker is killed when they are done.
 */
import { GatewayError } from '../errors.js';
import type { Log } from '../types.js';
import type { Task } from './task.js';

/** What a worker has in hand, in the order in which it was sent. */
export interface Tasks {
  values(): Iterable<Task>;
}

/** What the watchdog needs of a worker. */
export interface Watched {
  readonly pid: number | undefined;
  /** Threads that run requests: as many of the first ones are running. */
  readonly slots: number;
  /** No further requests: what waits is called back, the worker leaves if it can, and another one is started. */
  retire(): void;
  /** A request is past its deadline. */
  timedOut(): void;
  /** Sends INTERRUPT. */
  interrupt(stream: number): void;
  kill(signal: NodeJS.Signals): void;
}

/** After an INTERRUPT, until SIGABRT; and from there to SIGKILL. */
const INTERRUPT_GRACE_MS = 1000;
const ABORT_GRACE_MS = 1000;

export class Watchdog {
  /** When the worker was given up, and when it was aborted. */
  #retiredAtMs: number | undefined;
  #abortedAtMs: number | undefined;
  readonly #worker: Watched;
  readonly #tasks: Tasks;
  readonly #log: Log;

  constructor(worker: Watched, tasks: Tasks, log: Log) {
    this.#worker = worker;
    this.#tasks = tasks;
    this.#log = log;
  }

  /** Called a few times a second. */
  check(nowMs: number, timeoutMs: number): void {
    let position = 0;
    for (const task of this.#tasks.values()) {
      if (position++ >= this.#worker.slots) return;
      if (task.interruptedAtMs !== undefined) this.#escalate(task.interruptedAtMs, nowMs);
      else if (task.waitsForClient) task.runningSinceMs = undefined;
      else if (task.runningSinceMs === undefined) task.runningSinceMs = nowMs;
      else if (timeoutMs > 0 && nowMs - task.runningSinceMs > timeoutMs)
        this.#interrupt(task, nowMs, timeoutMs);
    }
  }

  #interrupt(task: Task, nowMs: number, timeoutMs: number): void {
    task.interruptedAtMs = nowMs;
    this.#worker.timedOut();
    this.#worker.interrupt(task.stream);
    const { job } = task;
    task.job = null;
    job?.fail(
      new GatewayError(
        504,
        'XGI_APP_TIMEOUT',
        `no answer after ${timeoutMs / 1000} s; worker ${this.#worker.pid} is interrupted, its stacks follow; see --timeout`,
      ),
    );
  }

  #escalate(interruptedAtMs: number, nowMs: number): void {
    if (nowMs - interruptedAtMs <= INTERRUPT_GRACE_MS) return;
    const worker = this.#worker;
    if (this.#retiredAtMs === undefined) {
      this.#retiredAtMs = nowMs;
      this.#log.error(
        `XGI_WORKER_STUCK: worker ${worker.pid} did not react to its interrupt; it is replaced, and killed when its other threads are done`,
      );
      worker.retire();
    }
    if (this.#othersRun()) return;
    if (this.#abortedAtMs === undefined) {
      this.#abortedAtMs = nowMs;
      // The interpreter's fault handler prints all stacks, whoever holds its lock.
      this.#log.error(`XGI_WORKER_STUCK: worker ${worker.pid} is killed; the stacks of its threads follow`);
      worker.kill('SIGABRT');
    } else if (nowMs - this.#abortedAtMs > ABORT_GRACE_MS) {
      worker.kill('SIGKILL');
    }
  }

  /** Whether other threads run requests that are inside their own deadlines. */
  #othersRun(): boolean {
    if (this.#worker.slots === 1) return false;
    // What waits behind them does not count: one that holds the interpreter keeps it from being handed back.
    const running = [...this.#tasks.values()].slice(0, this.#worker.slots);
    return running.some((task) => task.interruptedAtMs === undefined);
  }
}
