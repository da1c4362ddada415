/** `--gateways 2`: two processes accept; to those who steer them they are one. */
import { existsSync, readFileSync, renameSync } from 'node:fs';
import { Agent, request, type IncomingMessage } from 'node:http';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { json } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ServiceStatus } from '../../src/service/status.js';
import { ask, hear, Project, sayingApp } from '../support/cli-project.js';
import { cliMain } from '../support/paths.js';
import { pollUntil } from '../support/poll.js';
import {
  isRunning,
  killAllIn,
  processesIn,
  readStatus,
  runXgi,
  spawnXgi,
  startXgi,
  untilNothingIsLeft,
  type XgiServer,
} from '../support/xgi.js';

let project: Project;
let server: XgiServer;
let control: string[];

beforeEach(() => {
  project = new Project();
  control = ['--control-socket', project.file('control')];
});

afterEach(() => killAllIn(project.directory));

async function start(args: readonly string[] = []): Promise<void> {
  const env = { PYTHONDONTWRITEBYTECODE: '1' };
  const all = ['app:app', '-w', '2', '--gateways', '2', ...control, ...args];
  server = await startXgi(all, { cwd: project.directory, env });
  await status((told) => told.state === 'ready' && workersOf(told).length === 2);
}

/** The first status that fits. */
async function status(fits: (told: ServiceStatus) => boolean = () => true): Promise<ServiceStatus> {
  return await pollUntil(
    async () => {
      const told = await readStatus(control, {});
      return told !== undefined && fits(told) && told;
    },
    { what: 'a status that fits', deadlineMs: 20_000 },
  );
}

function workersOf({ gateways }: ServiceStatus): number[] {
  return gateways
    .flatMap(({ workers }) => workers)
    .filter(({ state }) => state === 'ready')
    .map(({ pid }) => pid!);
}

async function secondGateway(): Promise<number> {
  const { gateways } = await status((told) => told.gateways.length === 2);
  return gateways.find(({ pid }) => pid !== server.pid)!.pid;
}

/** Each time by a new connection, until all of those have answered; what else answered is in the set as well. */
async function answersFrom(pids: readonly number[]): Promise<Set<number>> {
  const seen = new Set<number>();
  await pollUntil(
    async () => {
      const all = await Promise.all(Array.from({ length: 16 }, () => askOnce()));
      for (const { pid } of all) seen.add(pid);
      return pids.every((pid) => seen.has(pid));
    },
    { what: `answers from ${pids.join(' and ')}`, deadlineMs: 20_000 },
  );
  return seen;
}

async function askOnce(): Promise<{ pid: number }> {
  const response = await fetch(server.origin, { headers: { connection: 'close' } });
  return (await response.json()) as { pid: number };
}

test('both accept, and each has its share of the workers', async () => {
  await start();
  expect((await runXgi(['scale', '3', ...control])).code).toBe(0);
  const told = await status((now) => workersOf(now).length === 3);
  expect(told.pid).toBe(server.pid);
  expect(told.workers).toEqual({ min: 3, max: 3 });
  expect(told.gateways.map(({ pid, workers }) => [pid === server.pid, workers.length])).toEqual([
    [true, 2],
    [false, 1],
  ]);
  await answersFrom(workersOf(told));
  expect(await server.stop()).toEqual({ code: 0, signal: null });
  expect(processesIn(project.directory)).toEqual([]);
});

describe('acts on both:', () => {
  test('reload', async () => {
    project.write('app.py', sayingApp('one'));
    await start();
    const before = workersOf(await status());
    project.write('app.py', sayingApp('two'));
    expect((await runXgi(['reload', ...control])).code).toBe(0);
    const heard = await Promise.all(Array.from({ length: 32 }, () => hearOnce()));
    expect(new Set(heard)).toEqual(new Set(['two']));
    const after = await status((told) => workersOf(told).length === 2);
    expect(after.gateways.map(({ generation }) => generation)).toEqual([2, 2]);
    expect(workersOf(after).filter((pid) => before.includes(pid))).toEqual([]);
  });

  test('reload with broken code, once told: no gateway takes it', async () => {
    project.write('app.py', sayingApp('one'));
    await start();
    project.write('app.py', 'import colour\n');
    expect((await runXgi(['reload', ...control])).code).toBe(1);
    await server.waitForOutput(/No module named 'colour'/);
    expect(server.stderr.match(/XGI_RELOAD_FAILED/g)?.length).toBe(1);
    const heard = await Promise.all(Array.from({ length: 16 }, () => hearOnce()));
    expect(new Set(heard)).toEqual(new Set(['one']));
  });

  test('scale, TTIN and TTOU', async () => {
    await start();
    const untilShares = async (...shares: number[]): Promise<void> => {
      await status(
        (told) =>
          JSON.stringify(told.gateways.map(({ workers }) => workers.length)) === JSON.stringify(shares) &&
          workersOf(told).length === shares[0]! + shares[1]!,
      );
    };
    expect((await runXgi(['scale', '5', ...control])).code).toBe(0);
    await untilShares(3, 2);
    server.child.kill('SIGTTIN');
    await untilShares(3, 3);
    expect((await runXgi(['scale', '3', ...control])).code).toBe(0);
    await untilShares(2, 1);
    server.child.kill('SIGTTOU');
    await untilShares(1, 1);
    server.child.kill('SIGTTOU');
    await server.waitForOutput(
      /\[WARNING\] workers: expected 2 to 1024, one for each gateway at least, received 1\n/,
    );
    expect(await runXgi(['scale', '1', ...control])).toMatchObject({ code: 2 });
    await untilShares(1, 1);
  });

  test('USR1: both write to the new access log', async () => {
    await start(['--access-logfile', 'access.log', '--access-logformat', '%(p)s']);
    const gateways = [server.pid, await secondGateway()].map((pid) => `<${pid}>`);
    const untilBothHaveWritten = async (): Promise<void> => {
      await pollUntil(
        async () => {
          await Promise.all(Array.from({ length: 8 }, () => askOnce()));
          const lines = readFileSync(project.file('access.log'), 'utf8');
          return gateways.every((pid) => lines.includes(pid));
        },
        { what: 'lines of both gateways', deadlineMs: 20_000 },
      );
    };
    await untilBothHaveWritten();
    renameSync(project.file('access.log'), project.file('access.log.1'));
    server.child.kill('SIGUSR1');
    await pollUntil(() => existsSync(project.file('access.log')));
    await untilBothHaveWritten();
  });

  test('stop', async () => {
    await start();
    expect((await runXgi(['stop', ...control])).code).toBe(0);
    expect(await server.exited).toEqual({ code: 0, signal: null });
    expect(processesIn(project.directory)).toEqual([]);
  });
});

async function hearOnce(): Promise<string> {
  const response = await fetch(server.origin, { headers: { connection: 'close' } });
  return await response.text();
}

describe('SIGKILL', () => {
  test('of the second: another takes its place', async () => {
    await start(['-b', 'unix:web.sock', '-b', '127.0.0.1:0']);
    const second = await secondGateway();
    process.kill(second, 'SIGKILL');
    await server.waitForOutput(
      new RegExp(
        `\\[ERROR\\] XGI_GATEWAY_EXIT: gateway ${second} ended \\(SIGKILL\\); another is started\\n`,
      ),
    );
    const told = await status((now) => now.gateways.length === 2 && workersOf(now).length === 2);
    expect(told.gateways.map(({ pid }) => pid)).not.toContain(second);
    await answersFrom(workersOf(told));
    expect(existsSync(server.socketPath)).toBe(true);
    expect(await server.stop()).toEqual({ code: 0, signal: null });
    expect(existsSync(server.socketPath)).toBe(false);
    expect(processesIn(project.directory)).toEqual([]);
  });

  test('of the second, when the code is broken: the first serves alone until it is mended', async () => {
    project.write('app.py', sayingApp('one'));
    await start();
    project.write('app.py', 'import colour\n');
    process.kill(await secondGateway(), 'SIGKILL');
    await server.waitForOutput(
      /\[ERROR\] XGI_GATEWAY_START: gateway \d+: the module colour [^]*No module named 'colour'/,
    );
    const heard = await Promise.all(Array.from({ length: 32 }, () => hearOnce()));
    expect(new Set(heard)).toEqual(new Set(['one']));
    project.write('app.py', sayingApp('two'));
    await pollUntil(async () => (await hearOnce()) === 'two', { what: 'the second', deadlineMs: 20_000 });
  });

  test('of the first: nothing is left', async () => {
    await start();
    expect(processesIn(project.directory).length).toBe(4);
    server.child.kill('SIGKILL');
    await untilNothingIsLeft(project.directory);
    expect(server.stderr).not.toContain('CRITICAL');
  });
});

test('a second that hangs does not keep the service from ending', async () => {
  await start(['--graceful-timeout', '100ms']);
  process.kill(await secondGateway(), 'SIGSTOP');
  expect(await server.stop('SIGTERM', 20_000)).toEqual({ code: 0, signal: null });
  expect(processesIn(project.directory)).toEqual([]);
});

test('TERM under load: what was accepted is answered', async () => {
  await start(['--threads', '4']);
  const answers = Array.from({ length: 12 }, () => 0);
  const clients = answers.map(async (_, index) => {
    // One connection each, which is used again until the server says that it is the last time.
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    for (let isLast = false; !isLast; answers[index]!++) {
      const outgoing = request(server.url(`/${index}`), { agent }).end();
      const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
      expect(response.statusCode).toBe(200);
      expect((await json(response)) as object).toHaveProperty('pid');
      isLast = response.headers.connection === 'close';
    }
    agent.destroy();
  });
  const all = Promise.all(clients);
  all.catch(() => {});
  await pollUntil(() => Math.min(...answers) > 0, { what: 'answers for all' });
  server.child.kill('SIGTERM');
  await all;
  expect(await server.exited).toEqual({ code: 0, signal: null });
  expect(server.stderr).not.toMatch(/ERROR|WARNING/);
});

test('Ctrl-C, which all processes of the group see: ended in order, status 0', async () => {
  const words = [cliMain, '--allow-root', 'app:app', '-w', '2', '--gateways', '2', '-b', '127.0.0.1:0'];
  const child = spawn(process.execPath, [...words, ...control], {
    cwd: project.directory,
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
  });
  let stderr = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  await status((told) => told.state === 'ready' && workersOf(told).length === 2);
  process.kill(-child.pid!, 'SIGINT');
  expect(await once(child, 'exit')).toEqual([0, null]);
  expect(stderr).toMatch(/Handling signal: int\n[^]*Shutting down\n$/);
  expect(stderr.match(/Handling signal/g)?.length).toBe(1);
  expect(stderr).not.toMatch(/ERROR|WARNING|Traceback/);
  await untilNothingIsLeft(project.directory);
});

test('USR2: both are replaced, and no request is lost', async () => {
  await start();
  const second = await secondGateway();
  let isOver = false;
  const clients = Promise.all(
    Array.from({ length: 8 }, async () => {
      while (!isOver) expect((await askOnce()).pid).toBeGreaterThan(0);
    }),
  );
  clients.catch(() => (isOver = true));
  server.child.kill('SIGUSR2');
  const successor = Number((await server.waitForOutput(/Handing over to (\d+)\n/))[1]);
  const told = await status((now) => now.pid === successor && now.state === 'ready');
  await pollUntil(() => server.child.exitCode !== null && !isRunning(second), {
    what: 'the end of both',
    deadlineMs: 20_000,
  });
  isOver = true;
  await clients;
  expect(server.child.exitCode).toBe(0);
  expect(told.gateways.map(({ pid }) => pid)).not.toContain(second);
  expect(told.gateways.length).toBe(2);
  await answersFrom(workersOf(told));
  process.kill(successor, 'SIGTERM');
  await untilNothingIsLeft(project.directory);
});

test('an application that cannot be loaded: exit status 3, told once, nothing is left', async () => {
  project.write('app.py', 'import colour\n');
  const words = ['app:app', '-w', '2', '--gateways', '2', '-b', '127.0.0.1:0', ...control];
  server = spawnXgi(words, { cwd: project.directory });
  expect(await server.exited).toEqual({ code: 3, signal: null });
  expect(server.stderr.match(/Traceback/g)?.length).toBe(1);
  expect(server.stderr.match(/XGI_APP_/g)?.length).toBe(1);
  expect(processesIn(project.directory)).toEqual([]);
});

test('more gateways than workers: exit status 2', async () => {
  server = spawnXgi(['app:app', '-w', '2', '--gateways', '3', '-b', '127.0.0.1:0'], {
    cwd: project.directory,
  });
  expect(await server.exited).toEqual({ code: 2, signal: null });
  expect(server.stderr).toBe(
    'xgi: XGI_CONFIG_VALUE: --workers: expected 3 at least, one for each of --gateways, received 2\n',
  );
});

test('the application sees nothing of it', async () => {
  await start();
  const told = await status();
  const own = /^(XGI_|NODE_CHANNEL)/;
  await answersFrom(workersOf(told));
  const { env } = await ask(server.origin);
  expect(Object.keys(env).filter((name) => own.test(name))).toEqual([]);
  expect(await hear(server.origin)).toContain('"multithread"');
});
