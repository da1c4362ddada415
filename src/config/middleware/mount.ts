import { z } from 'zod/v3';
import { parseMount } from '../mount.js';
import { options } from '../values.js';

const FORM = 'a path that begins with /, for example /shop';

/** Options of the middleware `mount`. */
export const mountOptions = options({
  /** The front of the path, which becomes SCRIPT_NAME. */
  path: z
    .string({ required_error: FORM, invalid_type_error: FORM })
    .refine((text) => Boolean(parseMount(text)), FORM)
    .describe(FORM)
    .transform((text) => parseMount(text)!),
});
