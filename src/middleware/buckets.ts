/**
 * Counts what clients do, each by a key, and says when it is too much.
 *
 * A bucket that fills evenly (GCRA): a client that has used all of it gets one more request each `window / limit`, instead of all at once at
 * the end of a window.
 */
import { BoundedMap } from './bounded-map.js';

/** 100 bytes each. */
const MAX_CLIENTS = 100_000;

export interface Taken {
  readonly left: number;
  /** 0 if it was granted. */
  readonly waitMs: number;
  /** Until the bucket is full again. */
  readonly resetMs: number;
}

export class Buckets {
  readonly #intervalMs: number;
  readonly #windowMs: number;
  /** When the bucket of a key is full again. */
  readonly #fullAtMs = new BoundedMap<number>(MAX_CLIENTS);

  constructor(limit: number, windowMs: number) {
    this.#intervalMs = windowMs / limit;
    this.#windowMs = windowMs;
  }

  take(key: string, nowMs: number): Taken {
    const fullAtMs = Math.max(this.#fullAtMs.get(key) ?? 0, nowMs) + this.#intervalMs;
    const resetMs = fullAtMs - nowMs;
    // Sums of fractions are not exact.
    const waitMs = resetMs - this.#windowMs;
    if (waitMs > this.#intervalMs / 1e6) return { left: 0, waitMs, resetMs: resetMs - this.#intervalMs };
    this.#fullAtMs.set(key, fullAtMs);
    return {
      left: Math.max(0, Math.floor((this.#windowMs - resetMs) / this.#intervalMs + 0.001)),
      waitMs: 0,
      resetMs,
    };
  }

  /** What was taken is not to count. */
  giveBack(key: string): void {
    const fullAtMs = this.#fullAtMs.get(key);
    if (fullAtMs !== undefined) this.#fullAtMs.set(key, fullAtMs - this.#intervalMs);
  }
}
