/**
 * Remembers response heads: an application gives the same few again and again, and each is read and checked once.
 *
 * It is not an EntryCache (`bodies/entry-cache.ts`), which finds the least used of a budget of bytes. What is lost here is read again at once, so
 * nothing is worth a mark for each use, or a weight: a full table is emptied. A head that is new every time costs half of what it would there.
 */
import type { ResponseHead } from './response-head.js';

const MAX_HEADS = 512;
/** A longer head (cookies, mostly) is seldom seen twice. */
const MAX_CACHED_LENGTH = 1024;

export class HeadCache {
  readonly #heads = new Map<string, ResponseHead>();

  get(key: string): ResponseHead | undefined {
    return this.#heads.get(key);
  }

  /** @returns the same head */
  add(key: string, head: ResponseHead): ResponseHead {
    if (key.length > MAX_CACHED_LENGTH) return head;
    if (this.#heads.size >= MAX_HEADS) this.#heads.clear();
    this.#heads.set(key, head);
    return head;
  }
}
