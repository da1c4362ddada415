/** What has been found out about secrets: passwords, cookies, tokens. The secrets themselves are not kept: a key of theirs is, that nobody can turn back. */
import { createHmac, createSecretKey, randomBytes } from 'node:crypto';
import { BoundedMap } from './bounded-map.js';

export class SecretCache<V> {
  readonly #key = createSecretKey(randomBytes(32));
  readonly #entries: BoundedMap<V>;

  constructor(maxEntries: number) {
    this.#entries = new BoundedMap(maxEntries);
  }

  /** @param secret byte text */
  keyOf(secret: string): string {
    return createHmac('sha256', this.#key).update(secret, 'latin1').digest('base64');
  }

  get(key: string): V | undefined {
    const value = this.#entries.get(key);
    // What is used stays.
    if (value !== undefined) this.#entries.set(key, value);
    return value;
  }

  set(key: string, value: V): void {
    this.#entries.set(key, value);
  }
}
