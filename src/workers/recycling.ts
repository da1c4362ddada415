/** When a worker has served enough: its limits, drawn once for each worker, so that not all are replaced in one moment. */
import type { Recycling } from '../types.js';

export const NO_RECYCLING: Recycling = { maxRequests: 0, maxRequestsJitter: 0, maxAgeMs: 0, maxRssBytes: 0 };

/** A worker with so many times its limit gets no further requests, even if its successor is not there yet. */
const INTOLERABLE = 1.5;

export class Lifetime {
  /** Requests after which the worker is due. */
  readonly maxRequests: number;
  readonly #maxAgeMs: number;
  readonly #maxRssBytes: number;

  /** @param random a number from 0 to 1 */
  constructor(recycling: Recycling, random: () => number = Math.random) {
    const { maxRequests, maxRequestsJitter, maxAgeMs, maxRssBytes } = recycling;
    this.maxRequests =
      maxRequests === 0
        ? Number.POSITIVE_INFINITY
        : maxRequests + Math.floor(random() * (maxRequestsJitter + 1));
    this.#maxAgeMs = maxAgeMs === 0 ? Number.POSITIVE_INFINITY : maxAgeMs * (1 - random() / 10);
    this.#maxRssBytes = maxRssBytes === 0 ? Number.POSITIVE_INFINITY : maxRssBytes;
  }

  /** Whether the resident memory has to be known. */
  get limitsMemory(): boolean {
    return this.#maxRssBytes !== Number.POSITIVE_INFINITY;
  }

  isTooOld(ageMs: number): boolean {
    return ageMs >= this.#maxAgeMs;
  }

  isTooLarge(rssBytes: number): boolean {
    return rssBytes > this.#maxRssBytes;
  }

  /** It would grow beyond all bounds while its successor starts. */
  isIntolerable(rssBytes: number): boolean {
    return rssBytes > this.#maxRssBytes * INTOLERABLE;
  }
}
