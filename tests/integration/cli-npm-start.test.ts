/**
 * `npm start` runs its script in a shell, and passes a signal to that shell only: the script must be the shell's own
 * process, or a service manager that stops npm leaves the server running.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'vitest';
import { Project } from '../support/cli-project.js';
import { repository } from '../support/paths.js';
import { isAlive, pollUntil } from '../support/poll.js';
import { Program } from '../support/process.js';

/** What scripts/start.mjs does with a signal has its own test; here it is known by its process id. */
const SCRIPT = `
process.on('SIGTERM', () => process.exit(0));
setTimeout(() => {}, 60_000);
console.log('script ' + process.pid);
`;

test('TERM to npm ends the script', async () => {
  const { scripts } = JSON.parse(readFileSync(path.join(repository, 'package.json'), 'utf8')) as {
    scripts: { start: string };
  };
  const project = new Project();
  project.write('package.json', JSON.stringify({ name: 'x', scripts: { start: scripts.start } }));
  mkdirSync(project.file('scripts'));
  project.write('scripts/start.mjs', SCRIPT);

  const npm = new Program('npm', ['start'], { cwd: project.directory });
  const pid = Number((await npm.waitForOutput(/script (\d+)/, 20_000))[1]);
  npm.child.kill('SIGTERM');
  await npm.exited;
  await pollUntil(() => !isAlive(pid), { what: 'the script to end' });
});
