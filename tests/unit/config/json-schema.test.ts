import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { createProgram } from '../../../src/cli/program.js';
import { READY_MIDDLEWARE } from '../../../src/config/middleware/ready.js';
import { userConfigSchema } from '../../../src/config/schema.js';

function shippedSchema(): unknown {
  return JSON.parse(readFileSync(new URL('../../../xgi.schema.json', import.meta.url), 'utf8'));
}

test('xgi.schema.json is current: npm run schema writes it', async () => {
  const converter = new URL('../../../scripts/lib/json-schema.mjs', import.meta.url).href;
  const { createConfigSchema, describeFlags } = (await import(converter)) as {
    createConfigSchema(schema: unknown, descriptions: unknown): unknown;
    describeFlags(program: unknown): unknown;
  };
  const current = createConfigSchema(userConfigSchema, describeFlags(createProgram('')));
  expect(shippedSchema()).toEqual(JSON.parse(JSON.stringify(current)));
});

test('what middleware cannot be without is required', () => {
  const { properties } = shippedSchema() as {
    properties: {
      middleware: { items: { anyOf: { properties?: Record<string, { required?: string[] }> }[] } };
    };
  };
  const ready = properties.middleware.items.anyOf.find((form) => form.properties !== undefined)!.properties!;
  const required = Object.entries(ready).map(([name, options]) => [name, options.required ?? []]);
  const missed = Object.entries(READY_MIDDLEWARE).map(([name, schema]) => {
    const issues = schema.safeParse({}).error?.issues ?? [];
    return [name, issues.flatMap(({ path }) => path)];
  });
  expect(required).toEqual(missed);
  expect(ready['cors']!.required).toEqual(['origins']);
});
