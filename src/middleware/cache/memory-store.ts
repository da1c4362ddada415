/** Keeps answers in memory, up to so many bytes; what has not been used for long leaves first. */
import { type CacheEntry, EntryCache } from '../../bodies/entry-cache.js';
import { detached } from '../../gateway/byte-text.js';
import type { CacheStore, StoredEntry } from '../../http/stored-response.js';

/** Of an entry: its heads and its places in tables, roughly. */
const OVERHEAD_BYTES = 1024;

interface Kept extends CacheEntry {
  readonly entry: StoredEntry;
}

export class MemoryStore implements CacheStore {
  readonly #entries: EntryCache<Kept>;

  constructor(maxBytes: number) {
    this.#entries = new EntryCache(maxBytes);
  }

  get(key: string): StoredEntry | undefined {
    const kept = this.#entries.get(key);
    if (kept === undefined) return undefined;
    kept.used = true;
    return kept.entry;
  }

  set(key: string, entry: StoredEntry): void {
    this.#entries.set(detached(key), { entry, weight: weightOf(key, entry), used: false });
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }
}

function weightOf(key: string, entry: StoredEntry): number {
  if (entry.kind === 'variants') return OVERHEAD_BYTES + key.length;
  const head = entry.fields.reduce((sum, { length }) => sum + length, 0);
  // Small bodies are there as text, too (served-response.ts).
  return OVERHEAD_BYTES + key.length + 2 * head + 2 * entry.body.length;
}
