/** A store that may be somebody's own: what fails in it is logged, and is as if nothing were stored. */
import { messageOf } from '../../errors.js';
import type { CacheStore, StoredEntry } from '../../http/stored-response.js';
import type { Log } from '../../types.js';

export class GuardedStore {
  readonly #store: CacheStore;
  readonly #log: Log;
  readonly #where: string;

  /** @param where how messages name the cache */
  constructor(store: CacheStore, log: Log, where: string) {
    this.#store = store;
    this.#log = log;
    this.#where = where;
  }

  /** At once, if the store answers at once: a promise costs a turn. */
  get(key: string): StoredEntry | undefined | Promise<StoredEntry | undefined> {
    try {
      const entry = this.#store.get(key);
      return entry instanceof Promise ? entry.catch((error: unknown) => this.#failed(error)) : entry;
    } catch (error) {
      return this.#failed(error);
    }
  }

  set(key: string, entry: StoredEntry): void {
    this.#attempt(() => this.#store.set(key, entry));
  }

  delete(key: string): void {
    this.#attempt(() => this.#store.delete(key));
  }

  #attempt(call: () => void | Promise<void>): void {
    try {
      void Promise.resolve(call()).catch((error: unknown) => this.#failed(error));
    } catch (error) {
      this.#failed(error);
    }
  }

  #failed(error: unknown): undefined {
    this.#log.warn(`${this.#where}: the store has failed: ${messageOf(error)}`);
  }
}
