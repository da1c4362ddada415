/** The built commands against a control socket in this process: what they print, and their exit status. */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { ConfigError } from '../../src/errors.js';
import type { ServiceState } from '../../src/service/status.js';
import { cliMain } from '../support/paths.js';
import { pollUntil } from '../support/poll.js';
import { Program, run } from '../support/process.js';
import { makeTempDir } from '../support/temp-dir.js';
import { FakeService, open, sampleStatus } from '../unit/service/steered.js';

let env: Record<string, string | undefined>;
let service: FakeService;
let folder: string;

beforeEach(() => {
  const runtime = makeTempDir();
  folder = path.join(runtime, 'xgi');
  mkdirSync(folder, { mode: 0o700 });
  env = { XDG_RUNTIME_DIR: runtime, TMPDIR: makeTempDir(), XGI_CONTROL_SOCKET: undefined };
  service = new FakeService();
});

async function serve(pid = sampleStatus.pid): ReturnType<typeof open> {
  return await open(path.join(folder, `${pid}.sock`), { steered: service });
}

async function xgi(...words: string[]): ReturnType<typeof run> {
  return await run(process.execPath, [cliMain, ...words], { env });
}

test('status: a table, without colours if it is no terminal', async () => {
  await serve();
  const { code, stdout, stderr } = await xgi('status');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/^xgi 1\.2\.3 {2}ready {2}pid 4711 {2}up 1m 5s\n {2}target {7}shop:app\n/);
});

test('status --json: what the server said', async () => {
  await serve();
  const { code, stdout } = await xgi('status', '--json', '4711');
  expect({ code, stdout }).toEqual({ code: 0, stdout: `${JSON.stringify(sampleStatus)}\n` });
});

test.each([
  ['ready', 0],
  ['reloading', 0],
  ['starting', 1],
  ['failing', 1],
  ['stopping', 1],
] as const)('status of one that is %s: exit status %d', async (state: ServiceState, expected) => {
  service.status = () => Promise.resolve({ ...sampleStatus, state });
  await serve();
  for (const flags of [[], ['--json']]) expect((await xgi('status', ...flags)).code).toBe(expected);
});

test.each([['status'], ['reload'], ['stop'], ['scale', '4'], ['status', '--json'], ['status', '99']])(
  '%s %s with nothing that answers: exit status 4',
  async (...words) => {
    const { code, stdout, stderr } = await xgi(...words.filter((word) => word !== undefined));
    expect({ code, stdout }).toEqual({ code: 4, stdout: '' });
    expect(stderr).toMatch(
      /^xgi: XGI_CONTROL_NONE: no xgi( of this user)? .*--control-socket, name the same path\n$/,
    );
  },
);

test('a status that cannot be told: exit status 4', async () => {
  service.status = () => Promise.reject(new TypeError('oops'));
  await serve();
  expect(await xgi('status')).toMatchObject({ code: 4, stderr: 'xgi: XGI_CONTROL_FAILED: oops\n' });
});

test('reload', async () => {
  await serve();
  expect(await xgi('reload')).toMatchObject({ code: 0, stdout: 'xgi: 4711 (shop:app) has reloaded\n' });
  expect(await xgi('reload', '--json')).toMatchObject({ code: 0, stdout: '{"ok":true}\n' });
  expect(service.calls).toEqual(['reload', 'reload']);
});

test('reload to code that cannot be loaded: exit status 1, with the traceback', async () => {
  const failure = {
    code: 'XGI_APP_RAISED',
    message: 'importing app raised \x1b[31mOops',
    traceback: 'Traceback (most recent call last):\n  File "app.py", line 1\nOops\n',
  };
  service.outcome = Promise.resolve({ ok: false, failure });
  await serve();
  expect(await xgi('reload')).toMatchObject({
    code: 1,
    stdout: '',
    stderr: `xgi: 4711 (shop:app) goes on as before, as what is new cannot be used:
    Traceback (most recent call last):
      File "app.py", line 1
    Oops
xgi: XGI_APP_RAISED: importing app raised \\x1B[31mOops
`,
  });
  expect(await xgi('reload', '--json')).toMatchObject({
    code: 1,
    stdout: `${JSON.stringify({ ok: false, failure })}\n`,
    stderr: '',
  });
});

test('reload of one that goes away meanwhile: exit status 4', async () => {
  service.outcome = new Promise(() => {});
  const control = await serve();
  const reload = xgi('reload');
  await pollUntil(() => service.calls.length > 0);
  await control.close();
  expect(await reload).toMatchObject({
    code: 4,
    stderr: expect.stringContaining('XGI_CONTROL_LOST') as string,
  });
});

test('scale', async () => {
  await serve();
  expect(await xgi('scale', '2..8')).toMatchObject({ code: 0, stdout: 'xgi: 4711 will have 2..8 workers\n' });
  expect(await xgi('scale', '1', '4711')).toMatchObject({
    code: 0,
    stdout: 'xgi: 4711 will have 1 worker\n',
  });
  expect(await xgi('scale', '--json', '3')).toMatchObject({
    code: 0,
    stdout: '{"ok":true,"workers":{"min":3,"max":3}}\n',
  });
  expect(service.calls).toEqual([
    { min: 2, max: 8 },
    { min: 1, max: 1 },
    { min: 3, max: 3 },
  ]);
});

test('scale to what cannot be: exit status 2', async () => {
  service.scaleError = new ConfigError('XGI_CONFIG_VALUE', 'too few for 4 gateways');
  await serve();
  expect(await xgi('scale', '1')).toMatchObject({
    code: 2,
    stdout: '',
    stderr: 'xgi: XGI_CONFIG_VALUE: too few for 4 gateways\n',
  });
  expect(await xgi('scale', '1', '--json')).toMatchObject({
    code: 2,
    stdout: '{"code":"XGI_CONFIG_VALUE","message":"too few for 4 gateways"}\n',
  });
  expect(await xgi('scale', '0')).toMatchObject({ code: 2, stdout: '' });
});

test.each([
  [[], false, 'xgi: 4711 (shop:app) has stopped\n'],
  [['--quick'], true, 'xgi: 4711 (shop:app) has stopped\n'],
  [['--json'], false, '{"ok":true}\n'],
])('stop %j waits until the socket is closed', async (flags, quick, stdout) => {
  const control = await serve();
  const stop = new Program(process.execPath, [cliMain, 'stop', ...flags], { env });
  await pollUntil(() => service.calls.length > 0);
  expect(service.calls).toEqual([{ quick }]);
  expect(stop.child.exitCode).toBeNull();
  await control.close();
  expect(await stop.exited).toEqual({ code: 0, signal: null });
  expect(stop.stdout).toBe(stdout);
});

test('stop of one that does not end: exit status 1', async () => {
  await serve();
  expect(await xgi('stop', '--timeout', '50ms')).toMatchObject({
    code: 1,
    stdout: '',
    stderr:
      'xgi: XGI_CONTROL_STOPPING: 4711 (shop:app) is still stopping after 50ms; wait, or cut it short with xgi stop --quick\n',
  });
});

test('stop, when its successor is at the same path at once', async () => {
  const control = await serve();
  const stop = xgi('stop');
  await pollUntil(() => service.calls.length > 0);
  await open(control.path!, { steered: new FakeService(), replaceLiving: true });
  await control.close();
  expect(await stop).toMatchObject({ code: 0 });
});

test('several: one has to be named', async () => {
  await serve(4711);
  const other = new FakeService();
  other.status = () => Promise.resolve({ ...sampleStatus, pid: 4712, target: 'blog:app' });
  await open(path.join(folder, '4712.sock'), { steered: other });
  const { code, stderr } = await xgi('stop');
  expect(code).toBe(2);
  expect(stderr).toMatch(/several xgi( of this user)? run; name one by its process id:/);
  expect(stderr).toContain('\n    4711    shop:app  http://127.0.0.1:8000\n    4712    blog:app');
  expect([service.calls, other.calls]).toEqual([[], []]);
  expect(await xgi('scale', '4', '4712')).toMatchObject({ code: 0 });
  expect([service.calls, other.calls]).toEqual([[], [{ min: 4, max: 4 }]]);
});

test('help, and wrong words', async () => {
  for (const words of [
    ['stop', '--help'],
    ['help', 'stop'],
  ])
    expect(await xgi(...words)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('Usage: xgi stop [options] [pid]') as string,
    });
  expect(await xgi('help')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('Usage: xgi [flags] [TARGET]') as string,
  });
  expect(await xgi('stauts')).toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringMatching(/^xgi: XGI_CONFIG_TARGET: .*; did you mean xgi status\? /) as string,
  });
  expect(await xgi('status', 'app:app')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('a Python module called status is served with xgi wsgi status') as string,
  });
});
