import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { createProgram } from '../../../src/cli/program.js';
import { userConfigSchema } from '../../../src/config/schema.js';

test('xgi.schema.json is current: npm run schema writes it', async () => {
  const converter = new URL('../../../scripts/lib/json-schema.mjs', import.meta.url).href;
  const { createConfigSchema, describeFlags } = (await import(converter)) as {
    createConfigSchema(schema: unknown, descriptions: unknown): unknown;
    describeFlags(program: unknown): unknown;
  };
  const current = createConfigSchema(userConfigSchema, describeFlags(createProgram('')));
  const shipped: unknown = JSON.parse(
    readFileSync(new URL('../../../xgi.schema.json', import.meta.url), 'utf8'),
  );
  expect(shipped).toEqual(JSON.parse(JSON.stringify(current)));
});
