/**
 * The story of the attack: xgi is started as root with `--user`, and the user owns the folders that xgi works in. What that user plants
 * there (links to files of root's, named pipes, an interpreter of its own) must not be opened, changed, waited for or run as root.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemAccounts } from '../../src/process/accounts.js';
import { writePidFile } from '../../src/process/pid-file.js';
import { isRootsOwn, openFor, resolvePrivileges } from '../../src/process/privileges.js';
import { LogFile } from '../../src/observe/log-file.js';
import { run } from '../support/process.js';
import { cliMain } from '../support/paths.js';
import { makeTempDir } from '../support/temp-dir.js';

const isRoot = process.geteuid?.() === 0;
const nobody = systemAccounts().user('nobody')!;
let directory: string;
let own: string;

beforeAll(() => {
  directory = makeTempDir();
  chmodSync(directory, 0o755);
  own = path.join(directory, 'own');
  mkdirSync(own);
  if (isRoot) chownSync(own, nobody.uid, nobody.gid);
});

afterAll(() => execFileSync('rm', ['-rf', directory]));

const secretOf = (name: string): string => {
  const file = path.join(directory, name);
  writeFileSync(file, 'of root', { mode: 0o600 });
  return file;
};

test('a named pipe in place of the pid file keeps nobody waiting', () => {
  const file = path.join(own, 'pipe.pid');
  execFileSync('mkfifo', [file]);
  const remove = writePidFile(file);
  expect(readFileSync(file, 'latin1')).toBe(`${process.pid}\n`);
  remove();
});

test('a device that never ends in place of the pid file is not read', () => {
  const file = path.join(own, 'zero.pid');
  symlinkSync('/dev/zero', file);
  writePidFile(file)();
  expect(statSync('/dev/zero').isCharacterDevice()).toBe(true);
});

describe('an access log that is a link to a file of root', () => {
  test('is not opened, and the file is as it was', () => {
    const secret = secretOf('secret-log');
    const link = path.join(own, 'access.log');
    symlinkSync(secret, link);
    if (!isRoot) return;
    const privileges = resolvePrivileges({ user: 'nobody', group: null, umask: null }, { nameOf: String });
    const open = (): LogFile => new LogFile({ target: link, intervalMs: 0 });
    expect(() => openFor(privileges, link, open)).toThrow(/EACCES/);
    expect(process.geteuid!()).toBe(0);
    expect([statSync(secret).uid, readFileSync(secret, 'utf8')]).toEqual([0, 'of root']);
  });

  test('a link in the way to its folder: neither', () => {
    const ofRoot = path.join(directory, 'of-root');
    mkdirSync(ofRoot, { mode: 0o755 });
    symlinkSync(ofRoot, path.join(own, 'sub'));
    expect(isRootsOwn(path.join(own, 'sub'))).toBe(false);
  });

  test.each([
    ['/', isRoot],
    [tmpdir(), false],
    ['/no/such/folder', false],
  ])('whether only root can change %s: %s', (folder, expected) => {
    if (isRoot) expect(isRootsOwn(folder)).toBe(expected);
  });
});

test('an interpreter in a folder of the user is not run as root', async () => {
  const project = path.join(own, 'project');
  const proof = path.join(directory, 'proof');
  mkdirSync(path.join(project, 'venv/bin'), { recursive: true });
  const interpreter = path.join(project, 'venv/bin/python');
  writeFileSync(interpreter, `#!/bin/sh\nid -u >> ${proof}\nexit 1\n`, { mode: 0o755 });
  writeFileSync(proof, '', { mode: 0o666 });
  chmodSync(proof, 0o666);
  const user = isRoot ? ['--user', 'nobody'] : [];
  const { code } = await run(
    process.execPath,
    [cliMain, 'app:app', '--check-config', '-b', '127.0.0.1:0', ...user],
    {
      cwd: project,
      env: { VIRTUAL_ENV: undefined, XGI_CMD_ARGS: undefined },
    },
  );
  expect(code).toBe(2);
  expect(readFileSync(proof, 'utf8')).toBe(`${isRoot ? nobody.uid : process.getuid!()}\n`);
});
