/** Header fields as a person writes them. */
import { z } from 'zod/v3';
import { HOP_BY_HOP } from '../http/hop-by-hop.js';
import { record } from './values.js';

const NAME = 'the name of a header field';
const VALUE = 'the value of a header field, without control characters, latin-1';

export function isFieldName(text: string): boolean {
  return /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(text);
}

export const fieldName = z
  .string({ required_error: NAME, invalid_type_error: NAME })
  .refine(isFieldName, NAME)
  .describe(NAME);

export const fieldValue = z
  .string({ invalid_type_error: VALUE })
  .regex(/^[\t\x20-\x7e\x80-\xff]*$/, VALUE)
  .describe(VALUE);

/** Names of header fields, and for each something. */
export function fieldRecord<T extends z.ZodTypeAny>(value: T, expected: string) {
  return record(value, { expected, key: NAME, isKey: isFieldName });
}

const OURS: ReadonlySet<string> = new Set([...HOP_BY_HOP, 'content-length', 'host']);
const SETTABLE =
  'the name of a header field that is not the server’s: not Host, Content-Length, Connection or another of the connection';

function isSettable(text: string): boolean {
  return isFieldName(text) && !OURS.has(text.toLowerCase());
}

/** Of a field that is set: what frames or routes a message would break it, and what is of one connection cannot be sent. */
export const settableFieldName = fieldName.refine(isSettable, SETTABLE);

/** Fields that are set, and their values. */
export function settableFields(expected: string) {
  return record(fieldValue, { expected, key: SETTABLE, isKey: isSettable });
}
