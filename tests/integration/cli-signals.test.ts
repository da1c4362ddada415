/** What signals do to a gateway with a request under way. */
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { cliMain } from '../support/paths.js';
import { isAlive, pollUntil } from '../support/poll.js';
import { Program } from '../support/process.js';
import { testPython } from '../support/test-env.js';
import {
  killAllIn,
  readStatus,
  runXgi,
  startXgi,
  untilNothingIsLeft,
  type XgiServer,
} from '../support/xgi.js';
import { ask, hear, Project, sayingApp } from '../support/cli-project.js';

let project: Project;
let server: XgiServer;

beforeEach(() => {
  project = new Project();
});

afterEach(() => killAllIn(project.directory));

async function start(args: readonly string[] = [], variables: Record<string, string> = {}): Promise<void> {
  // Bytecode is told from newer sources by their size and the second of their change.
  const env = { PYTHONDONTWRITEBYTECODE: '1', ...variables };
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
  // A moment is 300 ms.
  const untilMs = performance.now() + 100;
  while (performance.now() < untilMs) {
    server.child.kill('SIGTERM');
    await delay(10);
  }
  await server.waitForOutput(/Handling signal: term/);
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

test('TERM: not ready at once, and connections are closed after their answers', async () => {
  const control = ['--control-socket', project.file('control')];
  await start(control);
  const answer = fetch(server.url('/wait'));
  await project.running();
  expect((await runXgi(['status', ...control])).code).toBe(0);
  server.child.kill('SIGTERM');
  await server.waitForOutput(/Handling signal: term/);
  expect(await runXgi(['status', ...control])).toMatchObject({
    code: 1,
    stdout: expect.stringMatching(/^xgi \S+ {2}stopping {2}/) as string,
  });
  project.letGo();
  const response = await answer;
  expect([response.status, response.headers.get('connection')]).toEqual([200, 'close']);
  expect(await server.exited).toEqual({ code: 0, signal: null });
});

describe('HUP', () => {
  test('new code serves', async () => {
    project.write('app.py', sayingApp('one'));
    await start();
    expect(await hear(server.origin)).toBe('one');
    project.write('app.py', sayingApp('two'));
    server.child.kill('SIGHUP');
    await server.waitForOutput(/Handling signal: hup\n[^]*\[INFO\] Reloaded in [0-9.]+ s\n/);
    expect(await hear(server.origin)).toBe('two');
  });

  test('code that cannot be loaded: the old serves, and the log says why', async () => {
    project.write('app.py', sayingApp('one'));
    await start();
    expect(await hear(server.origin)).toBe('one');
    project.write('app.py', 'import colour\n');
    server.child.kill('SIGHUP');
    await server.waitForOutput(/\[ERROR\] XGI_RELOAD_FAILED: the old code goes on serving: XGI_APP_/);
    await server.waitForOutput(
      /\n {4}Traceback [^]*\n {6}File ".*app\.py", line 1.*\n[^]*No module named 'colour'/,
    );
    expect(await hear(server.origin)).toBe('one');
    expect(server.stderr).not.toContain('Reloaded in');
  });

  test('several in a row: the last code serves', async () => {
    await start();
    await ask(server.origin);
    for (const [index, word] of ['one', 'two', 'three', 'four'].entries()) {
      project.write('app.py', sayingApp(word));
      server.child.kill('SIGHUP');
      await pollUntil(() => server.stderr.match(/Handling signal: hup/g)?.length === index + 1);
    }
    await pollUntil(async () => (await hear(server.origin)) === 'four');
  });
});

test('TTIN and TTOU: a worker more, a worker less, never none', async () => {
  const control = ['--control-socket', project.file('control')];
  await start(control);
  const untilThereAre = async (count: number): Promise<void> => {
    await pollUntil(
      async () => {
        const told = await readStatus(control, {});
        const states = told?.gateways[0]?.workers.map(({ state }) => state) ?? [];
        return told?.workers.max === count && states.length === count && states.every((s) => s === 'ready');
      },
      { what: `${count} workers`, deadlineMs: 20_000 },
    );
  };
  await untilThereAre(1);
  server.child.kill('SIGTTIN');
  await server.waitForOutput(/Handling signal: ttin\n.*\[INFO\] Workers: 2\n/);
  await untilThereAre(2);
  server.child.kill('SIGTTOU');
  await untilThereAre(1);
  server.child.kill('SIGTTOU');
  await server.waitForOutput(/\[WARNING\] workers: expected 1 to 1024, .* received 0\n/);
  await untilThereAre(1);
  expect((await ask(server.origin)).cwd).toBe(project.directory);
});

/** Runs the words with a terminal as their standard error, whose output it passes on, and says how they ended. */
const IN_TERMINAL = `
import os, pty, sys

pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
print("child", pid, flush=True)
while True:
    try:
        output = os.read(terminal, 4096)
    except OSError:
        break
    if not output:
        break
    sys.stdout.buffer.write(output)
    sys.stdout.flush()
print("ended by", os.WTERMSIG(os.waitpid(pid, 0)[1]), flush=True)
`;

test('HUP with a terminal ends it, as nobody is there any more', async () => {
  const words = [process.execPath, cliMain, '--allow-root', 'app:app', '-w', '1', '-b', '127.0.0.1:0'];
  const terminal = new Program(testPython(), ['-c', IN_TERMINAL, ...words], { cwd: project.directory });
  const pid = Number((await terminal.waitForOutput(/child (\d+)/))[1]);
  const origin = (await terminal.waitForOutput(/Listening at: (\S+)/))[1]!;
  expect((await ask(origin)).cwd).toBe(project.directory);
  process.kill(pid, 'SIGHUP');
  await terminal.waitForOutput(/ended by 1\n/);
  expect(terminal.output).not.toContain('Handling signal');
  await untilNothingIsLeft(project.directory);
});

test('an exception that nothing catches: it is logged, the workers are stopped, exit status 1', async () => {
  const bug = 'data:text/javascript,process.on(%22SIGALRM%22,()=>{throw%20new%20Error(%22boom%22)})';
  await start([], { NODE_OPTIONS: `--import=${bug}` });
  await ask(server.origin);
  expect(await server.stop('SIGALRM')).toEqual({ code: 1, signal: null });
  expect(server.stderr).toMatch(/\[CRITICAL\] nothing caught an exception: .*\n {4}Error: boom\n {8}at /);
  expect(server.workerPids.filter(isAlive)).toEqual([]);
});
