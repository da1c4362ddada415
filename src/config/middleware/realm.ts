/** The option `realm` of basicAuth and bearer. */
import { z } from 'zod/v3';

const REALM = 'the name of what is protected, in ASCII';

/** What a challenge calls the protection space (RFC 9110 section 11.5): browsers show it to people. Default `Restricted`. */
export const realm = z
  .string({ invalid_type_error: REALM })
  .regex(/^[\x20-\x7e]+$/, REALM)
  .describe(REALM)
  .optional();
