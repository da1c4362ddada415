/** Header fields as a person writes them. */
import { z } from 'zod/v3';

const NAME = 'the name of a header field';
const VALUE = 'the value of a header field, without control characters, latin-1';

export const fieldName = z
  .string({ invalid_type_error: NAME })
  .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, NAME)
  .describe(NAME);

export const fieldValue = z
  .string({ invalid_type_error: VALUE })
  .regex(/^[\t\x20-\x7e\x80-\xff]*$/, VALUE)
  .describe(VALUE);
