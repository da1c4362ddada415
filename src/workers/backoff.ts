/**
 * How long to wait before a worker is started again. One that could not be started, or not load the application, is tried with ever
 * longer pauses. One that had been serving is replaced at once, unless many have ended in a short time: whoever can crash a worker
 * should neither keep all of them away, nor make us start one for each of his requests.
 */

const FIRST_MS = 100;
const MAX_MS = 30_000;
/** A worker that has lived so long makes good for those before it. */
const STABLE_MS = 10_000;
/** So many workers that had been serving are replaced at once; and so many more in each second. */
const BURST = 20;
const PER_SECOND = 10;
const MAX_SERVING_MS = 500;

export class Backoff {
  #failures = 0;
  #allowance = BURST;
  #allowedAtMs = 0;

  /**
   * @param startedAtMs when the process that has just ended was started
   * @param served whether it had loaded the application
   * @returns the pause before the next start, in milliseconds
   */
  next(nowMs: number, startedAtMs: number, served: boolean): number {
    if (served) return this.#replace(nowMs);
    this.#failures = nowMs - startedAtMs >= STABLE_MS ? 0 : this.#failures + 1;
    return this.#failures <= 1 ? 0 : Math.min(FIRST_MS * 2 ** Math.min(this.#failures - 2, 10), MAX_MS);
  }

  /** The application has been loaded: what failed before does not count any more. */
  reset(): void {
    this.#failures = 0;
  }

  #replace(nowMs: number): number {
    const sinceMs = nowMs - this.#allowedAtMs;
    this.#allowance = Math.min(BURST, this.#allowance + (sinceMs / 1000) * PER_SECOND);
    this.#allowedAtMs = nowMs;
    if (this.#allowance < 1) return MAX_SERVING_MS;
    this.#allowance--;
    return 0;
  }
}
