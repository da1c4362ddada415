/** The programs that run: looked at a few times a second for their deadlines, and listed for `xgi status`. */
import type { RunningRequest } from '../workers/status.js';

/** A program that runs. */
export interface Watched {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly startedAtMs: number;
  /** {@link Run.runner} */
  readonly runner: number | null;
  /** Ends itself if it is over a deadline. @returns whether it is */
  check(nowMs: number): boolean;
}

const SWEEP_MS = 100;

export class RunWatch {
  readonly #runs = new Set<Watched>();
  #sweep: NodeJS.Timeout | undefined;
  /** How many were over a deadline. */
  timeouts = 0;

  add(run: Watched): void {
    this.#runs.add(run);
    this.#sweep ??= setInterval(() => this.#check(), SWEEP_MS);
  }

  delete(run: Watched): void {
    this.#runs.delete(run);
    if (this.#runs.size > 0) return;
    clearInterval(this.#sweep);
    this.#sweep = undefined;
  }

  /** Those that this process runs. */
  runningBy(runner: number | null): RunningRequest[] {
    const nowMs = performance.now();
    return [...this.#runs]
      .filter((run) => run.runner === runner)
      .map(({ id, method, path, startedAtMs }) => ({
        id,
        method,
        path,
        runningMs: Math.round(nowMs - startedAtMs),
      }));
  }

  #check(): void {
    const nowMs = performance.now();
    for (const run of this.#runs) if (run.check(nowMs)) this.timeouts++;
  }
}
