/** Addresses and ranges as a person writes them in a list. */
import { z } from 'zod/v3';
import { parseTrustedProxies } from '../http/forwarded.js';
import { ConfigError } from '../errors.js';

const FORM = 'addresses or ranges, for example 10.0.0.0/8';

export const addresses = z
  .array(
    z
      .string({ invalid_type_error: FORM })
      .refine((text) => /^[0-9A-Fa-f.:/]+$/.test(text) && isRange(text), FORM)
      .describe(FORM),
    { invalid_type_error: `a list of ${FORM}` },
  )
  .nonempty(FORM);

function isRange(text: string): boolean {
  try {
    parseTrustedProxies(text);
    return true;
  } catch (error) {
    if (error instanceof ConfigError) return false;
    throw error;
  }
}
