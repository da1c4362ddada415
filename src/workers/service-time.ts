/**
 * How long requests hold a worker, and so how many may be sent ahead to a busy one.
 *
 * depth = clamp(budget / decayed maximum of the service time, 1, 32): a request sent behind others waits about the budget at
 * the most. The maximum, not the mean, because one slow request among quick ones is what hurts; decayed, because it may not
 * come again. A worker that is silent counts at once with the time it has been silent.
 */

/** A request sent ahead waits about so long behind others. */
export const BUDGET_US = 2000;
export const MAX_DEPTH = 32;
/** Each answer lets the maximum fall by an eighth: a worker that was descheduled for 5 ms is at its full depth again after 33 quick answers. */
const DECAY = 1 - 1 / 8;

export class ServiceTime {
  /** An application is slow until it has shown that it is quick. */
  #maxUs: number = BUDGET_US;

  /** Takes a measured, or so far observed, service time into account. */
  observe(serviceUs: number): void {
    const decayed = this.#maxUs * DECAY;
    this.#maxUs = serviceUs > decayed ? serviceUs : decayed;
  }

  /** Requests that a worker thread may have in hand, the running one included. */
  get depth(): number {
    const depth = BUDGET_US / this.#maxUs;
    return depth >= MAX_DEPTH ? MAX_DEPTH : depth <= 1 ? 1 : Math.floor(depth);
  }
}
