/** What has been found out about secrets: passwords, cookies, tokens. The secrets themselves are not kept: a key of theirs is, that nobody can turn back. */
import { createHmac, createSecretKey, randomBytes } from 'node:crypto';

export class SecretCache<V> {
  readonly #key = createSecretKey(randomBytes(32));
  readonly #maxEntries: number;
  /** The one that was used longest ago first. */
  readonly #entries = new Map<string, V>();

  constructor(maxEntries: number) {
    this.#maxEntries = maxEntries;
  }

  /** @param secret byte text */
  keyOf(secret: string): string {
    return createHmac('sha256', this.#key).update(secret, 'latin1').digest('base64');
  }

  get(key: string): V | undefined {
    const value = this.#entries.get(key);
    if (value === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, value);
    return value;
  }

  set(key: string, value: V): void {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size <= this.#maxEntries) return;
    const [oldest] = this.#entries.keys();
    this.#entries.delete(oldest!);
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }
}
