/** Writes xgi.schema.json, for editors of YAML and JSON files. A test checks that it is current. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { createConfigSchema, describeFlags } from './lib/json-schema.mjs';
import { repository } from './lib/run.mjs';

const { userConfigSchema } = await import('../dist/config/schema.js');
const { createProgram } = await import('../dist/cli/program.js');

const schema = createConfigSchema(userConfigSchema, describeFlags(createProgram('')));
writeFileSync(path.join(repository, 'xgi.schema.json'), `${JSON.stringify(schema, null, 2)}\n`);
