import { z } from 'zod/v3';
import { addresses } from '../addresses.js';

/** Options of the middleware `ip`. */
export const ipOptions = z.strictObject({
  /** Nobody else. Default: everybody. */
  allow: addresses.optional(),
  /** Not these, even if they are allowed. */
  deny: addresses.optional(),
});
