/** A start that fails before anything listens: one message, exit status 2, and nothing is left. */
import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ask, Project } from '../support/cli-project.js';
import { pollUntil } from '../support/poll.js';
import { makeTempDir } from '../support/temp-dir.js';
import { killAllIn, processesIn, spawnXgi, startXgi, type XgiServer } from '../support/xgi.js';

let project: Project;
let server: XgiServer;
let env: Record<string, string | undefined>;

beforeEach(() => {
  project = new Project();
  env = { TMPDIR: makeTempDir(), XDG_RUNTIME_DIR: undefined };
});

afterEach(() => killAllIn(project.directory));

const bind = ['-b', 'unix:web.sock', '-p', 'run.pid', '--control-socket', 'control'];

test.each([
  [
    'an access log that is a folder',
    ['--access-logfile', 'folder'],
    /^xgi: XGI_CONFIG_VALUE: --access-logfile: expected a file that can be written, received ".*folder": EISDIR.*\n$/,
  ],
  [
    'a user that is not known',
    ['--user', 'no-such-user'],
    /^xgi: XGI_CONFIG_VALUE: --user: expected the name .*\n$/,
  ],
])('%s', async (_name, flags, message) => {
  mkdirSync(project.file('folder'));
  const words = ['app:app', '-w', '2', '--gateways', '2', ...bind, ...flags];
  server = spawnXgi(words, { cwd: project.directory, env });
  expect(await server.exited).toEqual({ code: 2, signal: null });
  expect(server.stderr).toMatch(message);
  expect(server.stdout).toBe('');
  expect(processesIn(project.directory)).toEqual([]);
  expect(readdirSync(project.directory).toSorted()).toEqual(['app.py', 'folder']);
  expect(readdirSync(env['TMPDIR']!)).toEqual([]);
});

test('a successor for which it has become so: the old process goes on', async () => {
  const words = ['app:app', '-w', '1', '--access-logfile', 'access.log'];
  server = await startXgi(words, { cwd: project.directory, env });
  await ask(server.origin);
  renameSync(project.file('access.log'), project.file('access.log.1'));
  mkdirSync(project.file('access.log'));
  server.child.kill('SIGUSR2');
  await server.waitForOutput(/xgi: XGI_CONFIG_VALUE: --access-logfile: expected a file that can be written/);
  await server.waitForOutput(/XGI_HANDOVER: the successor does not serve: .*; this process goes on\n/);
  await ask(server.origin);
  rmSync(project.file('access.log'), { recursive: true });
  server.child.kill('SIGUSR2');
  await server.waitForOutput(/Handing over to \d+\n/);
  await pollUntil(() => server.child.exitCode === 0);
  await ask(server.origin);
});
