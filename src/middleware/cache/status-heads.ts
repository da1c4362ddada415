/** The heads of answers that pass by, with what the cache has done: a program answers with the same one again and again, and each is changed once. */
import { type CacheStatus, withCacheStatus } from '../../http/cache-status.js';
import type { ResponseHead } from '../../http/response-head.js';
import { headWithFields } from '../answer.js';

export class StatusHeads {
  readonly #heads = new WeakMap<ResponseHead, Map<string, ResponseHead>>();

  withStatus(head: ResponseHead, status: CacheStatus): ResponseHead {
    const name = Object.entries(status).join();
    let heads = this.#heads.get(head);
    if (heads === undefined) this.#heads.set(head, (heads = new Map()));
    let changed = heads.get(name);
    if (changed === undefined) {
      changed = headWithFields(head, withCacheStatus(head.fields, status));
      heads.set(name, changed);
    }
    return changed;
  }
}
