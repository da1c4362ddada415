import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { ConfigError } from '../../../src/errors.js';
import { systemAccounts } from '../../../src/process/accounts.js';
import { isRootsOwn } from '../../../src/process/privileges.js';
import { programUser, type ProgramUserOptions, rootsPython } from '../../../src/process/program-user.js';
import { makeTempDir, removeTempDir } from '../../support/temp-dir.js';

const isRoot = process.geteuid!() === 0;
/** Every system has it. */
const daemon = systemAccounts().user('daemon');
const folder = makeTempDir();
afterAll(() => removeTempDir(folder));

const OPTIONS: ProgramUserOptions = {
  user: 'daemon',
  gateway: { uid: 4711, gid: 4712 },
  python: '/bin/sh',
  allowRoot: false,
  name: '--cgi-user',
};

function errorOf(options: Partial<ProgramUserOptions>): ConfigError {
  try {
    programUser({ ...OPTIONS, ...options });
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return error as ConfigError;
  }
  throw new Error('nothing was thrown');
}

test('is for root', () => {
  const geteuid = vi.spyOn(process, 'geteuid').mockReturnValue(1000);
  try {
    const { code, message } = errorOf({});
    expect(code).toBe('XGI_PRIVILEGES');
    expect(message).toBe(
      '--cgi-user daemon: only root can run programs as another user; start xgi as root, with --user for itself',
    );
  } finally {
    geteuid.mockRestore();
  }
});

describe.skipIf(!isRoot || daemon === undefined)('root finds', () => {
  test('that programs would run as root, unless that is meant', () => {
    expect(errorOf({ user: 'root' }).code).toBe('XGI_ROOT');
    expect(errorOf({ user: '0' }).message).toContain('programs would run as root');
    expect(programUser({ ...OPTIONS, user: 'root', allowRoot: true }).uid).toBe(0);
  });

  test('an account, with all its groups, and who may read bodies', () => {
    const groups = spawnSync('id', ['-G', 'daemon'], { encoding: 'utf8' })
      .stdout.trim()
      .split(' ')
      .map(Number);
    expect(programUser(OPTIONS)).toEqual({
      uid: daemon!.uid,
      gid: daemon!.gid,
      groups,
      bodyUid: 4711,
      bodyGid: 4712,
    });
  });

  test('an interpreter for itself: the application’s, or one of the system', () => {
    const own = `${folder}/own-python`;
    copyFileSync('/bin/sh', own);
    const options = { user: 'daemon', name: 'user' };
    expect(rootsPython({ ...options, python: '/bin/sh' })).toBe('/bin/sh');
    chownSync(own, daemon!.uid, daemon!.gid);
    expect(rootsPython({ ...options, python: own })).toMatch(/^\/usr\/(local\/)?bin\/python3$/);
  });

  test('an account by its number', () => {
    expect(programUser({ ...OPTIONS, user: String(daemon!.uid) })).toMatchObject({ uid: daemon!.uid });
  });

  test('that the gateway stays what it is', () => {
    const user = programUser({ ...OPTIONS, gateway: { uid: null, gid: null } });
    expect(user).toMatchObject({ bodyUid: 0, bodyGid: process.getegid!() });
  });

  test('no account of that name', () => {
    const { code, message } = errorOf({ user: 'nobody-has-this-name' });
    expect(code).toBe('XGI_CONFIG_VALUE');
    expect(message).toContain('--cgi-user: expected the name or the number of a user of this machine');
  });

  test('a number without an account, which names no group', () => {
    expect(errorOf({ user: '3999999' }).code).toBe('XGI_CONFIG_VALUE');
  });
});

describe.skipIf(!isRoot)('an interpreter that root is to run', () => {
  const refused = expect.objectContaining({
    code: 'XGI_PRIVILEGES',
    message: expect.stringContaining('would be run as root, and others than root can change it') as string,
  }) as unknown;

  test('lies in folders of root alone', () => {
    copyFileSync('/bin/sh', `${folder}/python3`);
    // Its folder is in a shared one, which is fine as long as it is root's itself.
    expect(isRootsOwn(folder)).toBe(true);
    expect(() => programUser({ ...OPTIONS, python: `${folder}/python3` })).not.toThrow();
    chmodSync(folder, 0o777);
    expect(errorOf({ python: `${folder}/python3` })).toEqual(refused);
    chmodSync(folder, 0o700);
  });

  test('belongs to root, and only root can write it', () => {
    const file = `${folder}/python3.8`;
    writeFileSync(file, '', { mode: 0o755 });
    chmodSync(file, 0o775);
    expect(errorOf({ python: file })).toEqual(refused);
    chmodSync(file, 0o755);
    chownSync(file, 1, 0);
    expect(errorOf({ python: file })).toEqual(refused);
  });

  test('is not behind a link that others can change, or that leads to a file of others', () => {
    writeFileSync(`${folder}/theirs`, '', { mode: 0o755 });
    chownSync(`${folder}/theirs`, 1, 0);
    symlinkSync('theirs', `${folder}/link`);
    expect(errorOf({ python: `${folder}/link` })).toEqual(refused);
    symlinkSync('/bin/sh', `${folder}/fine`);
    expect(() => programUser({ ...OPTIONS, python: `${folder}/fine` })).not.toThrow();
  });

  test('is not behind links of which others can change one in the middle', () => {
    mkdirSync(`${folder}/open/bin`, { recursive: true });
    chownSync(`${folder}/open`, 1, 0);
    symlinkSync('/bin/sh', `${folder}/open/python3`);
    symlinkSync('open/python3', `${folder}/by-file`);
    expect(errorOf({ python: `${folder}/by-file` })).toEqual(refused);
    symlinkSync('/bin', `${folder}/open/folder`);
    symlinkSync('open/folder', `${folder}/by-folder`);
    expect(errorOf({ python: `${folder}/by-folder/sh` })).toEqual(refused);
    expect(isRootsOwn(`${folder}/by-folder`)).toBe(false);
  });
});
