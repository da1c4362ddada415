/**
 * Ends requests of one worker that run for too long without progress: 504 for the client and INTERRUPT for the worker, then
 * SIGABRT, then SIGKILL (docs/protocol.md, "An answer").
 */
import { GatewayError } from '../errors.js';
import type { Log } from '../types.js';
import type { Task } from './task.js';

/** What the watchdog needs of a worker. */
export interface Watched {
  readonly pid: number | undefined;
  /** Threads that run requests: as many of the first ones are running. */
  readonly slots: number;
  /** Gets no further requests. */
  draining: boolean;
  /** Sends INTERRUPT. */
  interrupt(stream: number): void;
  kill(signal: NodeJS.Signals): void;
}

/** After an INTERRUPT, until SIGABRT; and from there to SIGKILL. */
const INTERRUPT_GRACE_MS = 1000;
const ABORT_GRACE_MS = 1000;

export class Watchdog {
  readonly #worker: Watched;
  readonly #tasks: ReadonlyMap<number, Task>;
  readonly #log: Log;

  /** @param tasks what the worker has in hand, in the order in which it was sent */
  constructor(worker: Watched, tasks: ReadonlyMap<number, Task>, log: Log) {
    this.#worker = worker;
    this.#tasks = tasks;
    this.#log = log;
  }

  /** Called a few times a second. */
  check(nowMs: number, timeoutMs: number): void {
    let position = 0;
    for (const task of this.#tasks.values()) {
      if (position++ >= this.#worker.slots) return;
      if (task.interruptedAtMs !== undefined) this.#escalate(nowMs - task.interruptedAtMs);
      else if (task.waitsForClient) task.runningSinceMs = undefined;
      else if (task.runningSinceMs === undefined) task.runningSinceMs = nowMs;
      else if (timeoutMs > 0 && nowMs - task.runningSinceMs > timeoutMs)
        this.#interrupt(task, nowMs, timeoutMs);
    }
  }

  #interrupt(task: Task, nowMs: number, timeoutMs: number): void {
    task.interruptedAtMs = nowMs;
    this.#worker.interrupt(task.stream);
    const { job } = task;
    task.job = null;
    job?.fail(
      new GatewayError(
        504,
        'XGI_APP_TIMEOUT',
        `no answer after ${timeoutMs / 1000} s; worker ${this.#worker.pid} is interrupted, its stack follows; see --timeout`,
      ),
    );
  }

  /** @param elapsedMs the time since the INTERRUPT */
  #escalate(elapsedMs: number): void {
    const worker = this.#worker;
    if (elapsedMs > INTERRUPT_GRACE_MS + ABORT_GRACE_MS) worker.kill('SIGKILL');
    else if (elapsedMs > INTERRUPT_GRACE_MS && !worker.draining) {
      this.#log.error(`XGI_WORKER_STUCK: worker ${worker.pid} did not react to its interrupt and is killed`);
      worker.draining = true;
      // The interpreter's fault handler prints all stacks, whoever holds its lock.
      worker.kill('SIGABRT');
    }
  }
}
