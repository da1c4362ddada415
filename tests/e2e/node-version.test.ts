/** A Node.js that is too old is told from the first line, and nothing else is: npm start, npm test, npm run bench. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { repository } from '../support/paths.js';
import { run } from '../support/process.js';

/** Runs a script with a Node.js that says it is another one. */
async function runWith(version: string, script: string): ReturnType<typeof run> {
  const fake = `Object.defineProperty(process, 'version', { value: '${version}' })`;
  return run(process.execPath, [
    '--import',
    `data:text/javascript,${encodeURIComponent(fake)}`,
    path.join(repository, 'scripts', script),
  ]);
}

test.each(['start.mjs', 'test.mjs', 'bench.mjs'])('%s', async (script) => {
  expect(await runWith('v18.20.8', script)).toMatchObject({
    code: 1,
    stdout: '',
    stderr: 'xgi needs Node.js 20.19 or later of 20, or 22.12 and later; this is v18.20.8\n',
  });
});

test.each([
  ['v16.0.0', 1],
  ['v20.18.3', 1],
  ['v20.19.0', 0],
  ['v21.7.3', 1],
  ['v22.11.0', 1],
  ['v22.12.0', 0],
  ['v23.0.0', 0],
  ['v24.1.0', 0],
])('%s: exit status %d, as "engines" says', async (version, code) => {
  expect((await runWith(version, 'lib/node-version.mjs')).code).toBe(code);
  const { engines } = JSON.parse(readFileSync(path.join(repository, 'package.json'), 'utf8')) as {
    engines: unknown;
  };
  expect(engines).toEqual({ node: '^20.19.0 || >=22.12.0' });
});
