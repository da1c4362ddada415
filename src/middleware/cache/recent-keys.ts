/** Keys of the last while: so many, and so long. */
import { BoundedMap } from '../bounded-map.js';

export class RecentKeys {
  readonly #lastMs: number;
  readonly #untilMs: BoundedMap<number>;

  constructor(most: number, lastMs: number) {
    this.#untilMs = new BoundedMap(most);
    this.#lastMs = lastMs;
  }

  has(key: string): boolean {
    const untilMs = this.#untilMs.get(key);
    if (untilMs === undefined) return false;
    if (performance.now() < untilMs) return true;
    this.#untilMs.delete(key);
    return false;
  }

  delete(key: string): void {
    this.#untilMs.delete(key);
  }

  add(key: string): void {
    // A copy: a part of a head would keep the whole head alive.
    this.#untilMs.set(Buffer.from(key, 'latin1').toString('latin1'), performance.now() + this.#lastMs);
  }
}
