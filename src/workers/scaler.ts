/**
 * How many workers there are between the least and the most. One more at once when requests have waited for a moment and none is
 * being started; one less when some worker has been idle all the time for a while. Pure: time is a parameter.
 */
import type { WorkerRange } from '../types.js';

/** What is seen of the crew. */
export interface CrewLoad {
  /** Requests that wait for a worker. */
  readonly waiting: number;
  /** Workers with nothing to do. */
  readonly idle: number;
  /** Workers that are being started. */
  readonly booting: number;
  /** Workers that serve. */
  readonly serving: number;
}

/** A request that waits for less is not worth a process. */
const GROW_AFTER_MS = 100;
/** Long enough that the pauses of a burst do not cost the workers that its next part needs. */
const SHRINK_AFTER_MS = 10_000;

export class Scaler {
  #range: WorkerRange;
  #size: number;
  /** Since when requests have been waiting without a pause. */
  #waitingSinceMs: number | undefined;
  /** The fewest idle workers that were seen since. */
  #leastIdle = Number.POSITIVE_INFINITY;
  #leastIdleSinceMs: number | undefined;

  constructor(range: WorkerRange) {
    this.#range = range;
    this.#size = range.min;
  }

  get range(): WorkerRange {
    return this.#range;
  }

  /** The workers that there should be. */
  get size(): number {
    return this.#size;
  }

  set range(range: WorkerRange) {
    this.#range = range;
    this.#size = Math.min(Math.max(this.#size, range.min), range.max);
    this.#forget();
  }

  /** Called a few times a second. @returns whether `size` has changed */
  observe(nowMs: number, load: CrewLoad): boolean {
    const { min, max } = this.#range;
    if (min === max) return false;
    if (load.waiting > 0) return this.#grow(nowMs, load, max);
    this.#waitingSinceMs = undefined;
    return this.#shrink(nowMs, load, min);
  }

  #grow(nowMs: number, { waiting, booting, serving }: CrewLoad, max: number): boolean {
    this.#leastIdleSinceMs = undefined;
    this.#waitingSinceMs ??= nowMs;
    // What is being started may be enough.
    if (nowMs - this.#waitingSinceMs < GROW_AFTER_MS || booting > 0 || this.#size >= max) return false;
    // Doubles at the most: a long queue of quick requests may be over before the new ones are there.
    this.#size = Math.min(max, this.#size + Math.min(waiting, Math.max(1, serving)));
    this.#waitingSinceMs = nowMs;
    return true;
  }

  #shrink(nowMs: number, { idle }: CrewLoad, min: number): boolean {
    if (this.#leastIdleSinceMs === undefined) {
      this.#leastIdleSinceMs = nowMs;
      this.#leastIdle = idle;
    }
    this.#leastIdle = Math.min(this.#leastIdle, idle);
    if (nowMs - this.#leastIdleSinceMs < SHRINK_AFTER_MS) return false;
    const size = Math.max(min, this.#size - Math.ceil(this.#leastIdle / 2));
    const changed = size !== this.#size;
    this.#size = size;
    this.#leastIdleSinceMs = undefined;
    return changed;
  }

  #forget(): void {
    this.#waitingSinceMs = undefined;
    this.#leastIdleSinceMs = undefined;
  }
}
