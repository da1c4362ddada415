/** The fields that the answer to an error has, whatever page it has. */
import { GatewayError, isInstance } from '../errors.js';
import type { Fields } from '../types.js';
import { firstValue, withoutFields } from './field-values.js';

/** A second, as most of what is short of something has it again by then. */
const RETRY_AFTER: Fields = ['Retry-After', '1'];

/** The page has a length of its own. */
const OF_A_PAGE: ReadonlySet<string> = new Set(['content-length']);

/** Those of the error; of a 503 that does not say when to come back, ours (RFC 9110 section 10.2.3). */
export function errorFields(error: unknown, status: number): Fields {
  const own = isInstance(error, GatewayError) ? withoutFields(error.fields, OF_A_PAGE) : [];
  return status === 503 && firstValue(own, 'retry-after') === undefined ? [...own, ...RETRY_AFTER] : own;
}
