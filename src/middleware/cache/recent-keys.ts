/** Keys of the last while: so many, and so long. */
import { BoundedMap } from '../bounded-map.js';
import { keptKey, shortKey } from '../kept-key.js';

export class RecentKeys {
  readonly #lastMs: number;
  readonly #untilMs: BoundedMap<number>;

  constructor(most: number, lastMs: number) {
    this.#untilMs = new BoundedMap(most);
    this.#lastMs = lastMs;
  }

  has(key: string): boolean {
    const known = shortKey(key);
    const untilMs = this.#untilMs.get(known);
    if (untilMs === undefined) return false;
    if (performance.now() < untilMs) return true;
    this.#untilMs.delete(known);
    return false;
  }

  delete(key: string): void {
    this.#untilMs.delete(shortKey(key));
  }

  add(key: string): void {
    this.#untilMs.set(keptKey(key), performance.now() + this.#lastMs);
  }
}
