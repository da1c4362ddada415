/** Which of the running xgi a command is for. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { findXgi } from '../../../src/cli/steer-find.js';
import { controlFolders } from '../../../src/service/control-folder.js';
import { ControlError } from '../../../src/service/control-error.js';
import { makeTempDir } from '../../support/temp-dir.js';
import { FakeService, open, sampleStatus } from '../service/steered.js';

let env: Record<string, string>;
let folder: string;

beforeEach(() => {
  const runtime = makeTempDir();
  vi.stubEnv('TMPDIR', makeTempDir());
  env = { XDG_RUNTIME_DIR: runtime };
  folder = path.join(runtime, 'xgi');
  mkdirSync(folder, { mode: 0o700 });
  onTestFinished(() => void vi.unstubAllEnvs());
});

const any = { controlSocket: undefined, pid: undefined };

async function run(pid: number, file = path.join(folder, `${pid}.sock`)): Promise<FakeService> {
  const service = new FakeService();
  service.status = () => Promise.resolve({ ...sampleStatus, pid, target: `app${pid}:app` });
  await open(file, { steered: service });
  return service;
}

test('the only one', async () => {
  await run(11);
  expect(await findXgi(any, env)).toMatchObject({ pid: 11, told: { status: { target: 'app11:app' } } });
});

test('also one that was started without XDG_RUNTIME_DIR', async () => {
  const [, temporary] = controlFolders(env);
  mkdirSync(temporary!, { mode: 0o700 });
  await run(12, path.join(temporary!, '12.sock'));
  expect(await findXgi(any, env)).toMatchObject({ pid: 12 });
});

test('none', async () => {
  await expect(findXgi(any, env)).rejects.toThrow(
    `no xgi of this user runs (no socket in ${folder} or ${controlFolders(env)[1]}); if another user's is meant, use sudo -u USER`,
  );
});

test('several: they are listed; one is named by its process id', async () => {
  await Promise.all([run(11), run(12)]);
  await expect(findXgi(any, env)).rejects.toMatchObject({
    code: 'XGI_CONTROL_SEVERAL',
    message: `several xgi of this user run; name one by its process id:

    11      app11:app  http://127.0.0.1:8000
    12      app12:app  http://127.0.0.1:8000`,
  });
  expect(await findXgi({ ...any, pid: 12 }, env)).toMatchObject({ pid: 12 });
  await expect(findXgi({ ...any, pid: 13 }, env)).rejects.toThrow(
    'no xgi of this user has the process id 13',
  );
});

test('the socket of a process that is no more does not count', async () => {
  await run(11);
  writeFileSync(path.join(folder, '10.sock'), '');
  writeFileSync(path.join(folder, 'other'), '');
  expect(await findXgi(any, env)).toMatchObject({ pid: 11 });
});

test('a named socket: by the flag, else by the variable', async () => {
  await run(11);
  const named = path.join(makeTempDir(), 's');
  await run(12, named);
  const withVariable = { ...env, XGI_CONTROL_SOCKET: named };
  expect(await findXgi(any, withVariable)).toMatchObject({ pid: 12 });
  expect(await findXgi({ ...any, controlSocket: path.relative('.', named) }, env)).toMatchObject({ pid: 12 });
  expect(await findXgi({ ...any, controlSocket: path.join(folder, '11.sock') }, withVariable)).toMatchObject({
    pid: 11,
  });
  expect(await findXgi(any, { ...env, XGI_CONTROL_SOCKET: '' })).toMatchObject({ pid: 11 });
  await expect(findXgi({ controlSocket: named, pid: 11 }, env)).rejects.toThrow(
    `${named}: the xgi there has the process id 12, not 11`,
  );
});

test('a named socket where nobody listens', async () => {
  const named = path.join(folder, 's');
  await expect(findXgi({ ...any, controlSocket: named }, env)).rejects.toMatchObject({
    code: 'XGI_CONTROL_NONE',
    message: `${named}: no xgi listens there (ENOENT)`,
  });
});

test('a named socket of another program', async () => {
  const named = path.join(folder, 's');
  const server = createServer((socket) => socket.end('220 hello\r\n')).listen(named);
  onTestFinished(() => void server.close());
  await expect(findXgi({ ...any, controlSocket: named }, env)).rejects.toMatchObject({
    code: 'XGI_CONTROL_FOREIGN',
  });
});

test('one that cannot tell its status can still be told something', async () => {
  const service = await run(11);
  service.status = () => Promise.reject(new ControlError(503, 'XGI_CONTROL_TIMEOUT', 'busy'));
  const found = await findXgi(any, env);
  expect(found).toMatchObject({ pid: 11, told: { code: 'XGI_CONTROL_TIMEOUT', message: 'busy' } });
});

test('a folder that others may use is not looked into', async () => {
  await run(11);
  chmodSync(folder, 0o777);
  await expect(findXgi(any, env)).rejects.toThrow(`${folder}: others may use it (mode 777)`);
});
