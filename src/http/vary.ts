/** The field Vary (RFC 9110 section 12.5.5). */
import type { Fields } from '../types.js';
import { combinedValue, withField } from './field-values.js';

/** The fields with that name in Vary; the same if it is there already, or `*`. */
export function withVary(fields: Fields, name: string): Fields {
  const vary = combinedValue(fields, 'vary');
  const names = (vary ?? '').split(',').map((member) => member.trim().toLowerCase());
  if (names.includes('*') || names.includes(name.toLowerCase())) return fields;
  return withField(fields, 'Vary', vary === undefined || vary.trim() === '' ? name : `${vary}, ${name}`);
}
