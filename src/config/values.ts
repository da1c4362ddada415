/** The kinds of values that settings have. Each says in words what it expects, which is the whole of its error message. */
import { z } from 'zod/v3';
import { wrongKey } from './issue.js';
import { DURATION_FORM, parseDuration } from './units.js';

/** The description of what JSON and YAML cannot hold: it is not in the JSON Schema. */
export const IN_MODULES_ONLY = 'in a configuration that is a module';

type Value = string | number;

function isValue(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'number';
}

/** An option whose text is parsed by `parse`; undefined from it is the error "expected …". */
export function option<T>(expected: string, parse: (text: string) => T | undefined) {
  return z
    .custom<Value>(isValue, expected)
    .describe(expected)
    .transform((value, context) => {
      const parsed = parse(String(value));
      if (parsed !== undefined) return parsed;
      context.addIssue({ code: 'custom', message: expected });
      return z.NEVER;
    })
    .optional();
}

export function wholeNumber(least: number, most: number) {
  return option(`a whole number from ${least} to ${most}`, (text) => {
    if (!/^[0-9]{1,15}$/.test(text)) return undefined;
    return within(Number(text), least, most);
  });
}

const DAY_MS = 86_400_000;
export const WEEK_MS = 7 * DAY_MS;

/** Milliseconds; 0 is allowed only where `zero` says what it means. */
export function duration(zero?: string, mostMs = DAY_MS) {
  const expected = zero === undefined ? `${DURATION_FORM}, more than 0` : `${DURATION_FORM}; 0 ${zero}`;
  // A day: setTimeout wraps at 24.8 days, and a deadline of weeks is a slip of the unit.
  return option(`${expected}, at most ${mostMs / 3_600_000}h`, (text) => {
    const durationMs = parseDuration(text);
    return durationMs === undefined ? undefined : within(durationMs, zero === undefined ? 1 : 0, mostMs);
  });
}

/** Text only: `022` in quotes. A file's number would have been read by then, `0o22` as 18 and `022` as 22. */
export function octal(expected: string) {
  return z
    .string({ invalid_type_error: expected })
    .regex(/^0?[0-7]{1,3}$/, expected)
    .describe(expected)
    .transform((text) => Number.parseInt(text, 8))
    .optional();
}

export function string(expected: string) {
  return z.string({ invalid_type_error: expected }).describe(expected);
}

export function flag() {
  return z.boolean({ invalid_type_error: 'true or false' }).optional();
}

export function list(item: z.ZodType<string, z.ZodTypeDef, string>, expected: string) {
  return z.array(item, { invalid_type_error: `a list of ${expected}` }).optional();
}

/** `NAME=VALUE`, each; a file may as well have an object of them. */
export function entries(entry: z.ZodType<string, z.ZodTypeDef, string>, expected: string) {
  const value = z.custom<Value>(isValue, 'text, or a number').describe('text, or a number');
  const object = z.record(value, { invalid_type_error: `an object, or a list: ${expected}` });
  return z
    .union([z.array(entry, { invalid_type_error: `an object, or a list: ${expected}` }), object])
    .transform((given) =>
      Array.isArray(given) ? given : Object.entries(given).map(([name, of]) => `${name}=${of}`),
    )
    .pipe(z.array(entry))
    .optional();
}

/** The options of a middleware. */
export function options<const T extends z.ZodRawShape>(shape: T) {
  const expected = `an object of options (${Object.keys(shape).join(', ')})`;
  return z.strictObject(shape, { invalid_type_error: expected });
}

export interface Keys {
  /** The whole object, in words. */
  readonly expected: string;
  /** One of its keys, in words. */
  readonly key: string;
  readonly isKey: (text: string) => boolean;
}

/** An object whose keys are a person's to choose, within a rule. */
export function record<T extends z.ZodTypeAny>(value: T, { expected, key, isKey }: Keys) {
  return z
    .record(value, { required_error: expected, invalid_type_error: expected })
    .superRefine((given, context) => {
      const wrong = Object.keys(given).find((name) => !isKey(name));
      if (wrong !== undefined) context.addIssue(wrongKey(wrong, key));
    });
}

export function nonEmpty(expected: string) {
  return option(expected, (value) => (value === '' || value.includes('\0') ? undefined : value));
}

export function oneOf<const T extends readonly [string, ...string[]]>(values: T) {
  return z.enum(values, { errorMap: () => ({ message: `one of ${values.join(', ')}` }) }).optional();
}

export function within(value: number, least: number, most: number): number | undefined {
  return value >= least && value <= most ? value : undefined;
}
