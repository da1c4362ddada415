/**
 * Places, for programs or for requests: so many at once, the others wait, first come first served. The queue is bounded in length and time, so that
 * a crowd gets a quick 503 instead of an answer nobody waits for any more.
 */
import type { GatewayError } from '../errors.js';

/** Who wants a place. */
export interface PlaceSeeker {
  /** It has one, and gives it back by {@link Places.leave}. */
  placed(): void;
  /** It will get none: 503. */
  refused(error: GatewayError): void;
}

export interface PlacesOptions {
  readonly places: number;
  readonly maxWaiting: number;
  /** 0 for no limit. */
  readonly waitTimeoutMs: number;
  /** What one is told that there is no room for in the queue, and one that has waited too long. */
  readonly full: (taken: number, waiting: number) => GatewayError;
  readonly late: (waitedMs: number) => GatewayError;
  /** Whether places can be taken at the moment; `pump` when that has changed. */
  readonly isOpen: () => boolean;
}

const SWEEP_MS = 100;

export class Places {
  readonly #options: PlacesOptions;
  readonly #taken = new Set<PlaceSeeker>();
  /** In the order of their arrival, with its time. */
  readonly #waiting = new Map<PlaceSeeker, number>();
  #sweep: NodeJS.Timeout | undefined;
  #refused = 0;
  #served = 0;

  constructor(options: PlacesOptions) {
    this.#options = options;
  }

  get taken(): number {
    return this.#taken.size;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** How many have had a place, and do not need it any more. */
  get served(): number {
    return this.#served;
  }

  /** How many were sent away because the queue was too long, or they had waited too long. */
  get refused(): number {
    return this.#refused;
  }

  /** How long the first in the queue has waited; 0 if there is none. */
  get oldestMs(): number {
    const [sinceMs] = this.#waiting.values();
    return sinceMs === undefined ? 0 : performance.now() - sinceMs;
  }

  /** Calls `placed` or `refused`, now or later. */
  seek(seeker: PlaceSeeker): void {
    const { places, maxWaiting, full, isOpen } = this.#options;
    const mustWait = this.#waiting.size > 0 || this.#taken.size >= places || !isOpen();
    if (mustWait && this.#waiting.size >= maxWaiting) {
      this.#refused++;
      seeker.refused(full(this.#taken.size, this.#waiting.size));
      return;
    }
    this.#waiting.set(seeker, performance.now());
    this.pump();
    if (this.#waiting.size > 0) this.#sweep ??= setInterval(() => this.#expire(), SWEEP_MS);
  }

  /** It does not wait any more, or does not need its place any more. */
  leave(seeker: PlaceSeeker): void {
    this.#waiting.delete(seeker);
    if (this.#taken.delete(seeker)) this.#served++;
    this.pump();
  }

  /** Gives free places to those who wait. */
  pump(): void {
    while (this.#taken.size < this.#options.places && this.#waiting.size > 0 && this.#options.isOpen()) {
      const [seeker] = this.#waiting.keys();
      this.#waiting.delete(seeker!);
      this.#taken.add(seeker!);
      seeker!.placed();
    }
    if (this.#waiting.size > 0 || this.#sweep === undefined) return;
    clearInterval(this.#sweep);
    this.#sweep = undefined;
  }

  /** Sends away all who wait, with this. */
  close(error: GatewayError): void {
    for (const seeker of [...this.#waiting.keys()]) {
      this.#waiting.delete(seeker);
      seeker.refused(error);
    }
    this.pump();
  }

  #expire(): void {
    const { waitTimeoutMs, late } = this.#options;
    if (waitTimeoutMs === 0) return;
    const nowMs = performance.now();
    for (const [seeker, sinceMs] of this.#waiting) {
      if (nowMs - sinceMs < waitTimeoutMs) break;
      this.#waiting.delete(seeker);
      this.#refused++;
      seeker.refused(late(waitTimeoutMs));
    }
    this.pump();
  }
}
