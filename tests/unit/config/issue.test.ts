import { describe, expect, test } from 'vitest';
import { z } from 'zod/v3';
import { checkValue, describeIssue, valueAt } from '../../../src/config/issue.js';
import { userConfigSchema } from '../../../src/config/schema.js';

/** How zod speaks, if nobody says what is expected. */
const ZODS = /expected (?:Expected|Invalid|Required|Unrecognized|String|Number|Array|Input)\b/;

const WRONG: readonly unknown[] = [
  5,
  -1,
  'ä\n',
  '',
  true,
  null,
  [],
  [5],
  [null],
  [[]],
  {},
  { a: 5 },
  () => 1,
  5n,
];

/** Paths of all settings that the schema has a form for, and the schema of each. */
function settingsOf(
  schema: unknown,
  at: readonly (string | number)[] = [],
): [readonly (string | number)[], z.ZodTypeAny][] {
  if (schema instanceof z.ZodOptional) return settingsOf(schema.unwrap(), at);
  if (schema instanceof z.ZodEffects) return settingsOf(schema.innerType(), at);
  if (schema instanceof z.ZodPipeline) return settingsOf((schema._def as { in: unknown }).in, at);
  const own: [typeof at, z.ZodTypeAny][] = [[at, schema as z.ZodTypeAny]];
  if (schema instanceof z.ZodUnion)
    return [...own, ...(schema.options as unknown[]).flatMap((option) => settingsOf(option, at))];
  if (schema instanceof z.ZodArray) return [...own, ...settingsOf(schema.element, [...at, 0])];
  if (schema instanceof z.ZodRecord) return [...own, ...settingsOf(schema.valueSchema, [...at, 'a'])];
  if (schema instanceof z.ZodObject)
    return [
      ...own,
      ...Object.entries(schema.shape as object).flatMap(([key, value]) => settingsOf(value, [...at, key])),
    ];
  return own;
}

/** A configuration that has just that. */
function configOf(at: readonly (string | number)[], value: unknown): unknown {
  return at.reduceRight<unknown>(
    (inner, key) => (typeof key === 'number' ? [inner] : { [key]: inner }),
    value,
  );
}

test('whatever is wrong, wherever, is said in words of ours', () => {
  const settings = settingsOf(userConfigSchema);
  expect(settings.length).toBeGreaterThan(200);
  const said = new Set<string>();
  for (const [at] of settings)
    for (const value of WRONG) {
      const config = configOf(at, value);
      const { issue } = checkValue(userConfigSchema, config);
      if (issue === undefined || issue.code === 'unrecognized_keys') continue;
      said.add(`${issue.path.join('.')}: ${describeIssue(issue, valueAt(config, issue.path))}`);
    }
  expect([...said].filter((text) => ZODS.test(text))).toEqual([]);
  expect(said.size).toBeGreaterThan(500);
});

describe('what comes nearest', () => {
  const schema = z.union([
    z.string({ invalid_type_error: 'a name' }),
    z.strictObject({ limit: z.number(), by: z.string().optional() }),
  ]);

  test('of several forms, the one that goes deepest', () => {
    expect(checkValue(schema, { limit: 'a' }).issue).toMatchObject({ path: ['limit'], message: 'a number' });
  });

  test('a name that is misspelt, before the one that is missing', () => {
    expect(checkValue(schema, { limt: 5 }).issue).toMatchObject({
      code: 'unrecognized_keys',
      keys: ['limt'],
    });
  });

  test('of what nobody has words for, the type', () => {
    const plain = z.object({ a: z.object({}), b: z.array(z.boolean()) });
    expect(checkValue(plain, { a: 5, b: [] }).issue?.message).toBe('an object');
    expect(checkValue(plain, { a: {}, b: 5 }).issue?.message).toBe('a list');
    expect(checkValue(plain, { a: {}, b: [5] }).issue?.message).toBe('true or false');
  });
});
