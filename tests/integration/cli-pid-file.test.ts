import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { afterEach, expect, test } from 'vitest';
import { pollUntil } from '../support/poll.js';
import { spawnXgi, startXgi, type XgiServer } from '../support/xgi.js';
import { Project } from '../support/cli-project.js';

const project = new Project();
const cwd = project.directory;
let server: XgiServer | undefined;

afterEach(async () => {
  if (server?.child.exitCode === null) await server.stop();
  server = undefined;
});

test('holds the process id while the server runs, and keeps a second one away', async () => {
  const file = project.file('run.pid');
  server = await startXgi(['app:app', '-w', '1', '--pid', 'run.pid'], { cwd });
  await pollUntil(() => existsSync(file));
  expect(readFileSync(file, 'utf8')).toBe(`${server.pid}\n`);

  const second = spawnXgi(['app:app', '-w', '1', '-b', '127.0.0.1:0', '-p', 'run.pid'], { cwd });
  expect(await second.exited).toEqual({ code: 1, signal: null });
  expect(second.stderr).toMatch(
    new RegExp(String.raw`^xgi: XGI_PID_IN_USE: ${file} belongs to the running process ${server.pid};`, 'm'),
  );
  expect(second.stderr).not.toContain('Booting');
  expect(readFileSync(file, 'utf8')).toBe(`${server.pid}\n`);

  await server.stop();
  expect(existsSync(file)).toBe(false);
});

test('is replaced when its process was killed', async () => {
  server = await startXgi(['app:app', '-w', '1', '-p', 'old.pid'], { cwd });
  await pollUntil(() => existsSync(project.file('old.pid')));
  await server.stop('SIGKILL');
  expect(existsSync(project.file('old.pid'))).toBe(true);
  server = await startXgi(['app:app', '-w', '1', '-p', 'old.pid'], { cwd });
  await pollUntil(() => readFileSync(project.file('old.pid'), 'utf8') === `${server!.pid}\n`);
});

test('is removed when the application cannot be loaded', async () => {
  server = spawnXgi(['nothing:app', '-w', '1', '-b', '127.0.0.1:0', '-p', 'failed.pid'], { cwd });
  expect((await server.exited).code).toBe(3);
  expect(existsSync(project.file('failed.pid'))).toBe(false);
});

test('a place that cannot be written', async () => {
  mkdirSync(project.file('x.pid'));
  server = spawnXgi(['app:app', '-w', '1', '-b', '127.0.0.1:0', '-p', 'x.pid'], { cwd });
  expect((await server.exited).code).toBe(2);
  expect(server.stderr).toContain(`XGI_PID_UNWRITABLE: cannot write the pid file ${project.file('x.pid')}: `);
  // The reason is the last line: it did not stop because it was told to.
  expect(server.stderr).not.toContain('Shutting down');
});

test('a folder that is not there: nothing listens', async () => {
  server = spawnXgi(['app:app', '-w', '1', '-b', '127.0.0.1:0', '-p', 'none/x.pid'], { cwd });
  expect((await server.exited).code).toBe(2);
  expect(server.stderr).toBe(
    `xgi: XGI_CONFIG_VALUE: --pid: expected a file in a folder that exists, received "none/x.pid": there is no folder "${project.file('none')}"\n`,
  );
});
