/** Reading a list of fields: name, value, name, value … */
import type { Fields } from '../types.js';

/** The value of the first field of that name; undefined if there is none. */
export function firstValue(fields: Fields, lowerCaseName: string): string | undefined {
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i]!;
    if (name.length === lowerCaseName.length && name.toLowerCase() === lowerCaseName) return fields[i + 1];
  }
  return undefined;
}

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

/** The values of all fields of that name, one by one. */
export function valuesOf(fields: Fields, lowerCaseName: string): string[] {
  const values: string[] = [];
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i]!;
    if (name.length === lowerCaseName.length && name.toLowerCase() === lowerCaseName)
      values.push(fields[i + 1]!);
  }
  return values;
}

/** The fields whose names are wanted. @param isWanted is asked for a name as it is written */
export function fieldsWhere(fields: Fields, isWanted: (name: string) => boolean): string[] {
  const kept: string[] = [];
  for (let i = 0; i < fields.length; i += 2) if (isWanted(fields[i]!)) kept.push(fields[i]!, fields[i + 1]!);
  return kept;
}

/** The fields without those of these names. */
export function withoutFields(fields: Fields, lowerCaseNames: ReadonlySet<string>): Fields {
  return fieldsWhere(fields, (name) => !lowerCaseNames.has(name.toLowerCase()));
}

/** The fields of these names. */
export function onlyFields(fields: Fields, lowerCaseNames: ReadonlySet<string>): Fields {
  return fieldsWhere(fields, (name) => lowerCaseNames.has(name.toLowerCase()));
}

/** The fields with this one in the place of all of its name, at the end. */
export function withField(fields: Fields, name: string, value: string): Fields {
  return [...withoutFields(fields, new Set([name.toLowerCase()])), name, value];
}
