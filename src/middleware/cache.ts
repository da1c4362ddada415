/**
 * `cache`: answers are kept and given again, by the rules of a shared cache (RFC 9111, RFC 5861, RFC 9211).
 *
 *  1. A request that asks for something else (a body, a part, a precondition) or is not GET or HEAD goes to the application. What changes
 *     something there makes the cache forget what it has of it.
 *  2. What is stored and fresh is given at once.
 *  3. Else the application is asked: with the conditions that it can confirm a stale answer by, and once for all that ask for the same
 *     (cache/flight.ts). Its answer is stored while it is sent.
 *
 * Not stored: what is not for everybody, what is not complete, files (the system has them in memory), and what is not fresh for a moment.
 */
import { cacheOptions } from '../config/middleware/cache.js';
import type { Handler } from '../types.js';
import { MemoryStore } from './cache/memory-store.js';
import { ResponseCache } from './cache/response-cache.js';
import { defineMiddleware } from './define.js';

const MEMORY_BYTES = 67_108_864;
const ENTRY_BYTES = 1_048_576;

/**
 * Answers from what it has kept, in 64 MiB of memory by default, where that is allowed; `Cache-Status` tells. Whoever decides who may see an answer
 * stands in front of it.
 */
export const cache = defineMiddleware('cache', cacheOptions, (options, { log, where }) => {
  const { size = MEMORY_BYTES, entrySize = ENTRY_BYTES } = options;
  const responses = new ResponseCache({
    store: options.store ?? new MemoryStore(size),
    maxEntryBytes: Math.min(entrySize, size),
    defaultTtlMs: options.defaultTtl,
    staleWhileRevalidateMs: options.staleWhileRevalidate ?? 0,
    staleIfErrorMs: options.staleIfError ?? 0,
    log,
    where,
  });
  return (next): Handler =>
    (request) =>
      responses.answer(request, next);
});
