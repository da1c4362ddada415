import { z } from 'zod/v3';
import type { CacheStore } from '../../http/stored-response.js';
import { parseSize, SIZE_FORM } from '../units.js';
import { duration, IN_MODULES_ONLY, option, options } from '../values.js';

const STORE = 'an object with get, set and delete';

/** Options of the middleware `cache`. */
export const cacheOptions = options({
  /** Memory for what is kept. Default 64mb. */
  size: option(SIZE_FORM, parseSize),
  /** Longer answers are not kept. Default 1mb. */
  entrySize: option(SIZE_FORM, parseSize),
  /**
   * How long answers are fresh that do not say so themselves, and are not for one client only: neither request nor answer has a cookie or a user.
   * Default: such answers are not kept.
   */
  defaultTtl: duration(),
  /** How long afterwards an answer is given while the application is asked again, unless it says so itself. Default: not at all. */
  staleWhileRevalidate: duration(),
  /** How long afterwards an answer is given if the application fails, unless it says so itself. Default: not at all. */
  staleIfError: duration(),
  /** In the place of memory; `size` is its own business then. */
  store: z.custom<CacheStore>(isStore, STORE).describe(IN_MODULES_ONLY).optional(),
});

function isStore(value: unknown): boolean {
  const store = value as Record<keyof CacheStore, unknown> | null | undefined;
  return (['get', 'set', 'delete'] as const).every((name) => typeof store?.[name] === 'function');
}
