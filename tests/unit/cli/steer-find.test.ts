/** Which of the running xgi a command is for. */
import { chmodSync, chownSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { findXgi } from '../../../src/cli/steer-find.js';
import { controlFolders } from '../../../src/service/control-folder.js';
import { ControlError } from '../../../src/service/control-error.js';
import { makeTempDir } from '../../support/temp-dir.js';
import { FakeService, open, sampleStatus } from '../service/steered.js';

const isRoot = process.geteuid!() === 0;
const whose = isRoot ? '' : ' of this user';

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
    `no xgi${whose} runs (no socket in ${folder} or ${controlFolders(env)[1]}); if `,
  );
});

test('several: they are listed; one is named by its process id', async () => {
  await Promise.all([run(11), run(12)]);
  await expect(findXgi(any, env)).rejects.toMatchObject({
    code: 'XGI_CONTROL_SEVERAL',
    message: `several xgi${whose} run; name one by its process id:

    11      app11:app  http://127.0.0.1:8000
    12      app12:app  http://127.0.0.1:8000`,
  });
  expect(await findXgi({ ...any, pid: 12 }, env)).toMatchObject({ pid: 12 });
  await expect(findXgi({ ...any, pid: 13 }, env)).rejects.toThrow(`no xgi${whose} has the process id 13`);
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

test('what tells something else than a status is not an xgi', async () => {
  const service = await run(11);
  service.status = () => Promise.resolve({ pid: 11 } as unknown as typeof sampleStatus);
  await expect(findXgi(any, env)).rejects.toMatchObject({ code: 'XGI_CONTROL_NONE' });
  await expect(findXgi({ ...any, controlSocket: path.join(folder, '11.sock') }, env)).rejects.toMatchObject({
    code: 'XGI_CONTROL_FOREIGN',
  });
});

test('our own folder may hold the socket of a process that has become another user', async () => {
  await run(11);
  if (isRoot) chownSync(path.join(folder, '11.sock'), 65_534, -1);
  expect(await findXgi(any, env)).toMatchObject({ pid: 11, uid: undefined });
});

/** As root, of nobody; as anybody else, of that user, while this process takes itself for root. */
describe('of another user', () => {
  const other = isRoot ? 65_534 : process.geteuid!();
  let foreign: string;

  beforeEach(() => {
    vi.spyOn(process, 'geteuid').mockReturnValue(0);
    onTestFinished(() => void vi.restoreAllMocks());
    env = {};
    foreign = makeFolder(path.join(process.env['TMPDIR']!, `xgi-control-${other}`));
  });

  function makeFolder(place: string): string {
    mkdirSync(place, { mode: 0o700 });
    chownSync(place, other, -1);
    return place;
  }

  async function runForeign(pid: number, place = foreign): Promise<FakeService> {
    const file = path.join(place, `${pid}.sock`);
    const service = await run(pid, file);
    chownSync(file, other, -1);
    return service;
  }

  test('root finds it', async () => {
    await runForeign(21);
    expect(await findXgi(any, env)).toMatchObject({ pid: 21, uid: other });
    await runForeign(22);
    await expect(findXgi(any, env)).rejects.toMatchObject({
      code: 'XGI_CONTROL_SEVERAL',
      message: expect.stringContaining(
        `    22      app22:app  http://127.0.0.1:8000  (of uid ${other})`,
      ) as string,
    });
    expect(await findXgi({ ...any, pid: 22 }, env)).toMatchObject({ pid: 22 });
  });

  test('root finds it in XDG_RUNTIME_DIR', async () => {
    const runtime = makeTempDir();
    chownSync(runtime, other, -1);
    await runForeign(23, makeFolder(path.join(runtime, 'xgi')));
    expect(await findXgi(any, { XDG_RUNTIME_DIR: runtime })).toMatchObject({ pid: 23, uid: other });
  });

  test('other users do not', async () => {
    await runForeign(21);
    vi.spyOn(process, 'geteuid').mockReturnValue(other + 1);
    await expect(findXgi(any, env)).rejects.toThrow('no xgi of this user runs');
  });

  test('a folder that bears the name of somebody else, or is open to others, is not looked into', async () => {
    await runForeign(21);
    const named = path.join(path.dirname(foreign), `xgi-control-${other + 1}`);
    renameSync(foreign, named);
    await expect(findXgi(any, env)).rejects.toThrow(`${named}: it belongs to another user (uid ${other})`);
    symlinkSync(named, foreign);
    await expect(findXgi(any, env)).rejects.toThrow(`${foreign}: it is not a folder, or a symbolic link`);
    renameSync(named, `${named}-away`);
    makeFolder(`${foreign}1`);
    chmodSync(`${foreign}1`, 0o755);
    await expect(findXgi(any, env)).rejects.toThrow(`${foreign}1: it belongs to another user`);
  });

  test('a symbolic link in it does not lead root to the socket of another program', async () => {
    const elsewhere = path.join(makeTempDir(), 's');
    await run(24, elsewhere);
    symlinkSync(elsewhere, path.join(foreign, '24.sock'));
    await expect(findXgi(any, env)).rejects.toMatchObject({ code: 'XGI_CONTROL_NONE' });
  });

  test('one that takes the process id of another is told from it by its socket', async () => {
    const runtime = makeTempDir();
    chownSync(runtime, other, -1);
    const second = makeFolder(path.join(runtime, 'xgi'));
    await runForeign(25);
    await runForeign(25, second);
    await expect(findXgi({ ...any, pid: 25 }, { XDG_RUNTIME_DIR: runtime })).rejects.toThrow(
      `several xgi have the process id 25; name one by its socket, with --control-socket:\n\n    ${second}/25.sock  app25:app`,
    );
  });
});
