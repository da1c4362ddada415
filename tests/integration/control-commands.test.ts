/** The commands that steer a running server, with a running server. */
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ServiceStatus } from '../../src/service/status.js';
import { ask, Project } from '../support/cli-project.js';
import { cliMain } from '../support/paths.js';
import { isAlive, pollUntil } from '../support/poll.js';
import { run } from '../support/process.js';
import { makeTempDir } from '../support/temp-dir.js';
import { spawnXgi, startXgi, type XgiServer } from '../support/xgi.js';

let project: Project;
let env: Record<string, string | undefined>;
let servers: XgiServer[];

beforeEach(() => {
  project = new Project();
  env = { XDG_RUNTIME_DIR: makeTempDir(), TMPDIR: makeTempDir(), XGI_CONTROL_SOCKET: undefined };
  servers = [];
});

afterEach(async () => {
  await Promise.all(
    servers.filter(({ child }) => child.exitCode === null).map((server) => server.stop('SIGKILL')),
  );
});

/** Resolves when it is ready. */
async function start(args: readonly string[] = []): Promise<XgiServer> {
  const server = await startXgi(['app:app', '-w', '1', ...args], { cwd: project.directory, env });
  servers.push(server);
  await ask(server.origin);
  return server;
}

async function xgi(...words: string[]): ReturnType<typeof run> {
  return await run(process.execPath, [cliMain, ...words], { env });
}

async function status(...words: string[]): Promise<ServiceStatus> {
  const { code, stdout, stderr } = await xgi('status', '--json', ...words);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout) as ServiceStatus;
}

test('status of a running server', async () => {
  const server = await start();
  const answer = fetch(server.url('/wait?secret'));
  await project.running();
  const told = await pollUntil(async () => {
    const now = await status();
    return now.gateways[0]?.workers[0]?.running.length === 1 && now;
  });
  expect(told).toMatchObject({
    pid: server.pid,
    state: 'ready',
    target: 'app:app',
    listening: [server.origin],
    workers: { min: 1, max: 1 },
    lastReload: null,
    gateways: [
      {
        queue: { waiting: 0 },
        workers: [{ pid: server.workerPids[0], state: 'ready', running: [{ method: 'GET' }] }],
      },
    ],
  });
  expect(told.uptimeMs).toBeGreaterThan(0);
  // Of a request line, the query may hold what nobody else is to see.
  expect(JSON.stringify(told)).not.toContain('secret');

  const { code, stdout } = await xgi('status', String(server.pid));
  expect(code).toBe(0);
  expect(stdout).toMatch(new RegExp(`^xgi \\S+ {2}ready {2}pid ${server.pid} {2}up `));
  expect(stdout).toContain(`  listening    ${server.origin}\n`);
  expect(stdout).toMatch(new RegExp(`\\n +${server.workerPids[0]} {2}ready .* GET /wait`));
  project.letGo();
  await answer;
});

test('reload: new workers serve the code as it is now', async () => {
  const server = await start();
  const before = await ask(server.origin);
  expect(await xgi('reload')).toMatchObject({
    code: 0,
    stdout: `xgi: ${server.pid} (app:app) has reloaded\n`,
  });
  expect((await ask(server.origin)).pid).not.toBe(before.pid);
  const { lastReload } = await status();
  expect(lastReload).toMatchObject({ ok: true });
  expect(Math.abs(Date.parse(lastReload!.at) - Date.now())).toBeLessThan(60_000);
});

test('reload with broken code: the old goes on, and the reason is told', async () => {
  const server = await start();
  const before = await ask(server.origin);
  project.write('app.py', 'def app(:\n');
  const { code, stdout, stderr } = await xgi('reload');
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toContain('SyntaxError');
  expect(stderr).toMatch(/\nxgi: XGI_APP_[A-Z_]+: .*\n$/);
  expect((await ask(server.origin)).pid).toBe(before.pid);

  const told = await status();
  expect(told).toMatchObject({ state: 'ready', lastReload: { ok: false } });
  expect(JSON.stringify(told.lastReload)).toContain('SyntaxError');
  expect((await xgi('status')).stdout).toContain('failed: the old code goes on\n');
});

test('no worker can load the application any more: status fails, and tells why', async () => {
  const server = await start();
  project.write('app.py', 'raise KeyError("gone")\n');
  process.kill(server.workerPids[0]!, 'SIGKILL');
  const told = await pollUntil(async () => {
    const { code, stdout } = await xgi('status');
    return code === 1 && stdout.includes('new workers cannot load it') && stdout;
  });
  expect(told).toMatch(/^xgi \S+ {2}failing {2}pid /);
  expect(told).toMatch(
    /\n {2}application .*\n {15}XGI_APP_RAISED: .*\n {4}Traceback .*\n(.*\n)* {4}KeyError: 'gone'\n/,
  );
});

test('scale: more workers, then fewer', async () => {
  await start();
  expect(await xgi('scale', '3')).toMatchObject({ code: 0 });
  await pollUntil(async () => {
    const { workers, gateways } = await status();
    const ready = gateways[0]!.workers.filter(({ state }) => state === 'ready');
    return workers.min === 3 && workers.max === 3 && ready.length === 3;
  });
  expect(await xgi('scale', '1')).toMatchObject({ code: 0 });
  await pollUntil(async () => (await status()).gateways[0]!.workers.length === 1);
});

test('stop waits for the end: the request under way is answered', async () => {
  const server = await start();
  const answer = fetch(server.url('/wait'));
  await project.running();
  const stop = xgi('stop');
  await server.waitForOutput(/Handling control command: stop/);
  project.letGo();
  expect((await answer).status).toBe(200);
  expect(await stop).toMatchObject({ code: 0, stdout: `xgi: ${server.pid} (app:app) has stopped\n` });
  expect(await server.exited).toEqual({ code: 0, signal: null });
  expect(server.workerPids.filter(isAlive)).toEqual([]);
  expect(await xgi('status')).toMatchObject({ code: 4 });
});

test('stop --quick does not wait for the request under way', async () => {
  const server = await start();
  const answer = fetch(server.url('/wait'));
  await project.running();
  expect(await xgi('stop', '--quick', '--timeout', '10s')).toMatchObject({ code: 0 });
  expect((await answer).status).toBe(503);
  expect(await server.exited).toEqual({ code: 0, signal: null });
});

test('several servers: one has to be named', async () => {
  const first = await start();
  const second = await start();
  const { code, stderr } = await xgi('status');
  expect(code).toBe(2);
  for (const { pid, origin } of [first, second])
    expect(stderr).toMatch(new RegExp(`\\n {4}${pid} +app:app {2}${origin}`));
  expect((await status(String(second.pid))).listening).toEqual([second.origin]);
  expect(await xgi('stop', String(first.pid))).toMatchObject({ code: 0 });
  expect((await status()).pid).toBe(second.pid);
});

test('--control-socket: at that path, for its user only, and gone at the end', async () => {
  const socketPath = path.join(project.directory, 'control');
  const server = await start(['--control-socket', socketPath]);
  expect(await xgi('status')).toMatchObject({ code: 4 });
  expect((await status('--control-socket', socketPath)).pid).toBe(server.pid);
  env = { ...env, XGI_CONTROL_SOCKET: socketPath };
  expect((await status()).pid).toBe(server.pid);
  expect(await xgi('stop')).toMatchObject({ code: 0 });
  expect(existsSync(socketPath)).toBe(false);
});

test('--control-socket none: no socket', async () => {
  await start(['--control-socket', 'none']);
  expect(await xgi('status')).toMatchObject({ code: 4 });
  expect(readdirSync(env['XDG_RUNTIME_DIR']!)).toEqual([]);
});

test('a path that another server has: it does not start', async () => {
  const socketPath = path.join(project.directory, 'control');
  await start(['--control-socket', socketPath]);
  const second = spawnXgi(['app:app', '-b', '127.0.0.1:0', '--control-socket', socketPath], {
    cwd: project.directory,
    env,
  });
  servers.push(second);
  expect(await second.exited).toEqual({ code: 1, signal: null });
  expect(second.stderr).toContain(`xgi: XGI_CONTROL_IN_USE: ${socketPath}: another process listens there`);
});
