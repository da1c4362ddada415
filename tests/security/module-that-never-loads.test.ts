/**
 * A module waits at its top level for what never comes: a database that is away, a promise that somebody forgot. Modules are loaded one after the
 * other, and so no reload after that one would ever serve the mended code.
 */
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { Project } from '../support/cli-project.js';
import { repository } from '../support/paths.js';
import { run } from '../support/process.js';

const LOADER = pathToFileURL(path.join(repository, 'dist/service/load-module.js')).href;

test('it is given up, and the next one is loaded', async () => {
  const project = new Project();
  project.write('stuck.mjs', 'await new Promise(() => {}); export default 1;');
  project.write('next.mjs', 'export default 2;');
  const program = project.write(
    'load.mjs',
    `
import { loadExports } from ${JSON.stringify(LOADER)};
const stuck = loadExports(${JSON.stringify(project.file('stuck.mjs'))}, { timeoutMs: 200 });
const next = loadExports(${JSON.stringify(project.file('next.mjs'))});
console.log(await stuck.catch((error) => error.message));
console.log((await next).default);
`,
  );
  const { stdout } = await run(process.execPath, [program]);
  expect(stdout).toBe('it is still loading after 0.2 s; what does it wait for at its top level?\n2\n');
});
