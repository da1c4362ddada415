/**
 * How long to wait before a worker is started again. One that could not be started, or not load the application, is tried with ever
 * longer pauses. One that had been serving is replaced at once: otherwise whoever can crash a worker could keep all of them away.
 */

const FIRST_MS = 100;
const MAX_MS = 30_000;
/** The longest pause after a worker that had been serving; not nothing, lest a crash in every request costs a start in every request. */
const MAX_SERVING_MS = 500;
/** A worker that has lived so long makes good for those before it. */
const STABLE_MS = 10_000;

export class Backoff {
  #failures = 0;

  /**
   * @param livedMs how long the process that has just ended had lived
   * @param served whether it had loaded the application
   * @returns the pause before the next start, in milliseconds
   */
  next(livedMs: number, served: boolean): number {
    this.#failures = livedMs >= STABLE_MS ? 0 : this.#failures + 1;
    const pauseMs = this.#failures <= 1 ? 0 : FIRST_MS * 2 ** Math.min(this.#failures - 2, 10);
    return Math.min(pauseMs, served ? MAX_SERVING_MS : MAX_MS);
  }
}
