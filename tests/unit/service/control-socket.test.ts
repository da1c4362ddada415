/** The place of the control socket: who may come to it, and whose it is. */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { checkControlFolder, controlFolders } from '../../../src/service/control-folder.js';
import { RawClient } from '../../support/http-client.js';
import { makeTempDir } from '../../support/temp-dir.js';
import { FakeLog, open } from './steered.js';

let folder: string;
let socketPath: string;

beforeEach(() => {
  folder = makeTempDir();
  socketPath = path.join(folder, 's');
});

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

/** A socket file that nobody listens on, as a process leaves it that was killed. */
function leaveStaleSocket(file: string): void {
  const script = `require('net').createServer().listen(${JSON.stringify(file)}, () => process.kill(process.pid, 'SIGKILL'))`;
  spawnSync(process.execPath, ['-e', script]);
  expect(lstatSync(file).isSocket()).toBe(true);
}

describe('an explicit path', () => {
  test('the mode is 0600, also with a umask that would leave more', async () => {
    const umask = process.umask(0);
    try {
      await open(socketPath);
    } finally {
      process.umask(umask);
    }
    expect(statSync(socketPath).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder)).toEqual(['s']);
    expect(process.umask()).toBe(umask);
  });

  test('the file goes with the socket', async () => {
    const control = await open(socketPath);
    expect(control.path).toBe(socketPath);
    await control.close();
    expect(readdirSync(folder)).toEqual([]);
  });

  test('a stale socket is replaced', async () => {
    leaveStaleSocket(socketPath);
    await open(socketPath);
    await RawClient.connect(socketPath);
  });

  test('a living one is an error', async () => {
    await open(socketPath);
    await expect(open(socketPath)).rejects.toMatchObject({
      code: 'XGI_CONTROL_IN_USE',
      message: `${socketPath}: another process listens there; stop it or choose another path with --control-socket`,
    });
    await RawClient.connect(socketPath);
  });

  test('a successor takes the place, and keeps it when the predecessor closes', async () => {
    const predecessor = await open(socketPath);
    await open(socketPath, { replaceLiving: true });
    await predecessor.close();
    await RawClient.connect(socketPath);
    expect(readdirSync(folder)).toEqual(['s']);
  });

  test('a file of somebody else at that place is left alone', async () => {
    const control = await open(socketPath);
    renameSync(socketPath, `${socketPath}.away`);
    writeFileSync(socketPath, 'mine');
    await control.close();
    expect(existsSync(socketPath)).toBe(true);
  });

  test('closing after the folder has gone is no error', async () => {
    const control = await open(socketPath);
    renameSync(folder, `${folder}-away`);
    await control.close();
  });

  test.each([
    [
      'a file',
      (file: string) => writeFileSync(file, ''),
      'there is a file of this name that is not a socket',
    ],
    ['a symbolic link', (file: string) => symlinkSync('/dev/null', file), 'that is not a socket'],
  ])('%s is not replaced', async (_, make, message) => {
    make(socketPath);
    await expect(open(socketPath)).rejects.toThrow(message);
    expect(lstatSync(socketPath).isSocket()).toBe(false);
  });

  test('no folder', async () => {
    await expect(open(path.join(folder, 'none', 's'))).rejects.toMatchObject({
      code: 'XGI_CONTROL_LISTEN',
      message: `control socket ${folder}/none/s: there is no folder ${folder}/none; create it`,
    });
  });

  test('a path that is too long', async () => {
    await expect(open(path.join(folder, 'x'.repeat(100)))).rejects.toThrow('longer than the 107 bytes');
  });
});

describe('the default place', () => {
  test('a folder of the session, made 0700', async () => {
    vi.stubEnv('XDG_RUNTIME_DIR', folder);
    const control = await open('default');
    expect(control.path).toBe(path.join(folder, 'xgi', `${process.pid}.sock`));
    expect(statSync(path.join(folder, 'xgi')).mode & 0o777).toBe(0o700);
    expect(statSync(control.path!).mode & 0o777).toBe(0o600);
  });

  test.each([
    ['not set', () => undefined],
    ['relative', () => '.'],
    ['missing', () => path.join(folder, 'none')],
    ['a file', () => import.meta.filename],
    [
      'open to others',
      () => {
        const open777 = path.join(folder, 'open');
        mkdirSync(open777);
        chmodSync(open777, 0o777);
        return open777;
      },
    ],
  ])('XDG_RUNTIME_DIR is %s: a folder of temporary files', (_, runtime) => {
    vi.stubEnv('TMPDIR', folder);
    expect(controlFolders({ XDG_RUNTIME_DIR: runtime() })).toEqual([
      path.join(folder, `xgi-control-${process.geteuid!()}`),
    ]);
  });

  test('sockets of processes that are no more are removed, others are kept', async () => {
    vi.stubEnv('XDG_RUNTIME_DIR', '');
    vi.stubEnv('TMPDIR', folder);
    const place = controlFolders()[0]!;
    mkdirSync(place, { mode: 0o700 });
    const { pid: dead } = spawnSync('true');
    leaveStaleSocket(path.join(place, `${dead}.sock`));
    leaveStaleSocket(path.join(place, `${process.pid}.sock`));
    leaveStaleSocket(path.join(place, `${process.ppid}.sock`));
    writeFileSync(path.join(place, 'other'), '');
    await open('default');
    expect(readdirSync(place).toSorted()).toEqual(
      [`${process.pid}.sock`, `${process.ppid}.sock`, 'other'].toSorted(),
    );
    await RawClient.connect(path.join(place, `${process.pid}.sock`));
  });

  test('a symbolic link that somebody has put there is refused, and said; the service goes on', async () => {
    vi.stubEnv('XDG_RUNTIME_DIR', '');
    vi.stubEnv('TMPDIR', folder);
    const place = controlFolders()[0]!;
    const elsewhere = makeTempDir();
    symlinkSync(elsewhere, place);
    const log = new FakeLog();
    const control = await open('default', { log });
    expect(control.path).toBeNull();
    expect(log.lines.join('\n')).toContain(
      `warn: ${place}: it is not a folder, or a symbolic link to one; remove it, or name a socket with --control-socket; xgi status`,
    );
    expect(readdirSync(elsewhere)).toEqual([]);
    await control.close();
  });

  test('a folder that others may use is refused', () => {
    chmodSync(folder, 0o750);
    expect(() => checkControlFolder(folder)).toThrow(
      `${folder}: others may use it (mode 750); run chmod 700 ${folder}, or name a socket with --control-socket`,
    );
  });

  test('a folder of another user is refused', () => {
    const { uid } = statSync(folder);
    vi.spyOn(process, 'geteuid').mockReturnValue(uid + 1);
    expect(() => checkControlFolder(folder)).toThrow(`it belongs to another user (uid ${uid})`);
  });
});
