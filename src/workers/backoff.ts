/** How long to wait before a worker is started again: not at all at first, then ever longer while it keeps failing. */

const FIRST_MS = 100;
const MAX_MS = 30_000;
/** A worker that has lived so long has not failed at its start. */
const STABLE_MS = 10_000;

export class Backoff {
  #failures = 0;

  /**
   * @param livedMs how long the process that has just ended had lived
   * @returns the pause before the next start, in milliseconds
   */
  next(livedMs: number): number {
    this.#failures = livedMs >= STABLE_MS ? 0 : this.#failures + 1;
    return this.#failures <= 1 ? 0 : Math.min(MAX_MS, FIRST_MS * 2 ** (this.#failures - 2));
  }
}
