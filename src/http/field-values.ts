import type { Fields } from '../types.js';

/** The values of all fields of that name as one list (RFC 9110 section 5.3); undefined if there is none. */
export function combinedValue(fields: Fields, lowerCaseName: string): string | undefined {
  let values: string | undefined;
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i]!;
    if (name.length === lowerCaseName.length && name.toLowerCase() === lowerCaseName) {
      values = values === undefined ? fields[i + 1]! : `${values},${fields[i + 1]!}`;
    }
  }
  return values;
}
