import { z } from 'zod/v3';
import { fieldName } from '../field.js';
import { duration, options, wholeNumber } from '../values.js';

const KEY = 'address, user, or an object: { field: X-Tenant }';

/** Options of the middleware `rateLimit`. */
export const rateLimitOptions = options({
  /** Requests in each window. */
  limit: wholeNumber(1, 1_000_000_000).unwrap(),
  /** Default 1 minute. */
  window: duration(),
  /** Whose requests are counted together. Default the address; of IPv6 the first 64 bits, which one customer has. */
  by: z
    .union([
      z.enum(['address', 'user'], { errorMap: () => ({ message: KEY }) }),
      z.strictObject({ field: fieldName }, { invalid_type_error: KEY }),
    ])
    .optional(),
});
