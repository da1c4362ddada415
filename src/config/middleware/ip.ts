import { addresses } from '../addresses.js';
import { together } from '../issue.js';
import { options } from '../values.js';

/** Options of the middleware `ip`. */
export const ipOptions = options({
  /** Nobody else. Default: everybody. */
  allow: addresses.optional(),
  /** Not these, even if they are allowed. */
  deny: addresses.optional(),
}).refine(
  ({ allow, deny }) => allow !== undefined || deny !== undefined,
  together('allow or deny', 'neither'),
);
