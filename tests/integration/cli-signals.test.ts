/** What signals do to a gateway with a request under way. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { isAlive } from '../support/poll.js';
import { startXgi, type XgiServer } from '../support/xgi.js';
import { ask, Project } from '../support/cli-project.js';

let project: Project;
let server: XgiServer;

beforeEach(() => {
  project = new Project();
});

afterEach(async () => {
  if (server.child.exitCode === null) await server.stop('SIGKILL');
});

async function start(args: readonly string[] = [], env: Record<string, string> = {}): Promise<void> {
  server = await startXgi(['app:app', '-w', '1', ...args], { cwd: project.directory, env });
}

test('TERM: the request under way is answered, new connections are refused, exit status 0', async () => {
  await start();
  const answer = fetch(server.url('/wait'));
  await project.running();
  server.child.kill('SIGTERM');
  await server.waitForOutput(/Handling signal: term/);
  project.letGo();
  expect((await answer).status).toBe(200);
  expect(await server.exited).toEqual({ code: 0, signal: null });
  expect(server.stderr).toMatch(/\[INFO\] Shutting down\n$/);
  await expect(ask(server.origin)).rejects.toThrow('fetch failed');
  expect(server.workerPids.filter(isAlive)).toEqual([]);
});

test('TERM: what is not done in the grace period is cut off', async () => {
  await start(['--graceful-timeout', '300ms']);
  const answer = fetch(server.url('/wait'));
  await project.running();
  expect(await server.stop('SIGTERM')).toEqual({ code: 0, signal: null });
  expect((await answer).status).toBe(503);
  expect(server.workerPids.filter(isAlive)).toEqual([]);
});

test.each(['SIGINT', 'SIGQUIT'] as const)('%s does not wait for the request under way', async (signal) => {
  await start();
  const answer = fetch(server.url('/wait'));
  await project.running();
  expect(await server.stop(signal, 10_000)).toEqual({ code: 0, signal: null });
  expect((await answer).status).toBe(503);
  expect(server.workerPids.filter(isAlive)).toEqual([]);
});

test('a second signal ends everything at once, exit status 1', async () => {
  await start();
  const answer = fetch(server.url('/wait')).then(
    (response) => response.status,
    () => 'cut off',
  );
  await project.running();
  server.child.kill('SIGTERM');
  await server.waitForOutput(/Handling signal: term/);
  // The grace period is 30 s.
  expect(await server.stop('SIGINT', 10_000)).toEqual({ code: 1, signal: null });
  expect(server.stderr).toContain('[WARNING] Stopped at once, by a second signal');
  expect([502, 503, 'cut off']).toContain(await answer);
  expect(server.workerPids.length).toBe(1);
  expect(server.workerPids.filter(isAlive)).toEqual([]);
});

test('the same signal twice in a moment, as npm and a terminal send it, is one', async () => {
  await start();
  const answer = fetch(server.url('/wait'));
  await project.running();
  for (let i = 0; i < 3; i += 1) {
    server.child.kill('SIGTERM');
    await server.waitForOutput(/Handling signal: term/);
  }
  project.letGo();
  expect((await answer).status).toBe(200);
  expect(await server.exited).toEqual({ code: 0, signal: null });
  expect(server.stderr.match(/Handling signal/g)?.length).toBe(1);
});

test('TERM while the application boots', async () => {
  await start(['--graceful-timeout', '300ms'], { BOOT: 'wait' });
  await project.running();
  expect(await server.stop('SIGTERM')).toEqual({ code: 0, signal: null });
  expect(server.workerPids.filter(isAlive)).toEqual([]);
});

test.each([
  ['SIGHUP', /\[WARNING\] Signal hup is ignored: this version cannot reload/],
  ['SIGUSR2', /\[WARNING\] Signal usr2 is ignored: this version cannot replace itself/],
  ['SIGTTIN', /\[WARNING\] Signal ttin is ignored: this version cannot add workers/],
  ['SIGTTOU', /\[WARNING\] Signal ttou is ignored: this version cannot remove workers/],
] as const)('%s without a terminal is ignored, and said', async (signal, line) => {
  await start();
  server.child.kill(signal);
  await server.waitForOutput(line);
  expect((await ask(server.origin)).cwd).toBe(project.directory);
});

test('an exception that nothing catches: it is logged, the workers are stopped, exit status 1', async () => {
  const bug = 'data:text/javascript,process.on(%22SIGALRM%22,()=>{throw%20new%20Error(%22boom%22)})';
  await start([], { NODE_OPTIONS: `--import=${bug}` });
  await ask(server.origin);
  expect(await server.stop('SIGALRM')).toEqual({ code: 1, signal: null });
  expect(server.stderr).toMatch(/\[CRITICAL\] nothing caught an exception: .*\n {4}Error: boom\n {8}at /);
  expect(server.workerPids.filter(isAlive)).toEqual([]);
});
