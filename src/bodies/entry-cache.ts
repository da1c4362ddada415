/**
 * A cache of bounded size: what has not been used for the longest time leaves first, nearly. An entry that was used since the hand of the clock
 * has last passed it is spared once, so that a use costs no more than a mark.
 *
 * For what is dear to get again: files, answers. What is only read again has a simpler one (`http/head-cache.ts`).
 */
export interface CacheEntry {
  /** What it counts for, in bytes; does not change while it is in the cache. */
  readonly weight: number;
  /** Set by whoever uses it. */
  used: boolean;
}

export class EntryCache<Entry extends CacheEntry> {
  readonly #maxWeight: number;
  /** In the order of the clock. */
  readonly #entries = new Map<string, Entry>();
  #weight = 0;

  constructor(maxWeight: number) {
    this.#maxWeight = maxWeight;
  }

  get weight(): number {
    return this.#weight;
  }

  get(key: string): Entry | undefined {
    return this.#entries.get(key);
  }

  /** Replaces what was there. One that is heavier than the whole cache is not kept. */
  set(key: string, entry: Entry): void {
    this.delete(key);
    if (entry.weight > this.#maxWeight) return;
    this.#weight += entry.weight;
    this.#makeRoom();
    this.#entries.set(key, entry);
  }

  delete(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#weight -= entry.weight;
  }

  #makeRoom(): void {
    // Ends: what is spared has lost its mark when its turn comes again.
    for (const [key, entry] of this.#entries) {
      if (this.#weight <= this.#maxWeight) return;
      this.#entries.delete(key);
      if (entry.used) {
        entry.used = false;
        this.#entries.set(key, entry);
      } else this.#weight -= entry.weight;
    }
  }
}
