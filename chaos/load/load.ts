/** A load that is being made, as the scenarios see it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { LoadCommand } from './load-thread.js';
import type { LoadPlan } from './plan.js';
import type { LoadReport } from './tally.js';

const POLL_MS = 50;
/** For what is outstanding when a load is stopped. */
const STOP_LIMIT_MS = 40_000;

export class Load {
  readonly #thread: Worker;
  #ended: Error | undefined;

  constructor(plan: LoadPlan) {
    this.#thread = new Worker(new URL('load-thread.js', import.meta.url), { workerData: plan, execArgv: [] });
    this.#thread.on('error', (error: Error) => (this.#ended = error));
  }

  /** As it stands. */
  report(): Promise<LoadReport> {
    return this.#ask({ do: 'report' });
  }

  /** Sends nothing more, waits for what is outstanding, and says how all fared. */
  async stop(limitMs = STOP_LIMIT_MS): Promise<LoadReport> {
    const report = await this.#ask({ do: 'stop', limitMs });
    await this.#thread.terminate();
    return report;
  }

  /** Without a word, when the scenario has failed. */
  async destroy(): Promise<void> {
    await this.#thread.terminate();
  }

  /** Resolves when so many further requests have had their answer. @throws if that takes longer than the limit */
  async answersFurther(count: number, limitMs = 30_000): Promise<void> {
    const deadline = performance.now() + limitMs;
    const before = answersOf(await this.report());
    while (answersOf(await this.report()) < before + count) {
      if (performance.now() > deadline) throw new Error(`no ${count} answers within ${limitMs / 1000} s`);
      await sleep(POLL_MS);
    }
  }

  async #ask(command: LoadCommand): Promise<LoadReport> {
    if (this.#ended !== undefined) throw this.#ended;
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        this.#thread.off('message', onMessage);
        this.#thread.off('error', onError);
      };
      const onMessage = (report: LoadReport): void => {
        settle();
        resolve(report);
      };
      const onError = (error: Error): void => {
        settle();
        reject(error);
      };
      this.#thread.once('message', onMessage);
      this.#thread.once('error', onError);
      this.#thread.postMessage(command);
    });
  }
}

/** Requests that have had an answer, whatever it was. */
export function answersOf(report: LoadReport): number {
  return Object.values(report.answers).reduce((sum, count) => sum + count, 0);
}
