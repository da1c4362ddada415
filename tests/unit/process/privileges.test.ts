import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ConfigError } from '../../../src/errors.js';
import type { Accounts } from '../../../src/process/accounts.js';
import {
  checkRoot,
  type Privileges,
  resolvePrivileges,
  type WantedPrivileges,
} from '../../../src/process/privileges.js';
import { makeTempDir, removeTempDir } from '../../support/temp-dir.js';

const USERS = [
  { name: 'www', uid: 33, gid: 44, home: '/var/www' },
  { name: 'homeless', uid: 34, gid: 44, home: '' },
  { name: 'root', uid: 0, gid: 0, home: '/root' },
];
const GROUPS = [
  { name: 'web', gid: 44 },
  { name: 'log', gid: 55 },
];
const accounts: Accounts = {
  user: (key) => USERS.find(({ name, uid }) => key === name || key === String(uid)),
  group: (key) => GROUPS.find(({ name, gid }) => key === name || key === String(gid)),
};
const nameOf = (option: string): string => `--${option.replace('R', '-r')}`;
const ROOT = { uid: 0, gid: 0 };
const WWW = { uid: 33, gid: 44 };
const ENV = { HOME: '/var/www', USER: 'www', LOGNAME: 'www' };
const NOTHING: Privileges = { uid: null, gid: null, groupsOf: null, umask: null, env: {} };

function resolve(wanted: Partial<WantedPrivileges>, identity: { uid: number; gid: number }): Privileges {
  const all = { user: null, group: null, umask: null, ...wanted };
  return resolvePrivileges(all, { nameOf, accounts, identity });
}

function errorOf(call: () => unknown): ConfigError {
  try {
    call();
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return error as ConfigError;
  }
  throw new Error('nothing was thrown');
}

describe('root takes on', () => {
  test.each<[string, Partial<WantedPrivileges>, Partial<Privileges>]>([
    ['nothing', {}, {}],
    ['a umask', { umask: 0o27 }, { umask: 0o27 }],
    ['a user with its groups', { user: 'www' }, { uid: 33, gid: 44, groupsOf: 'www', env: ENV }],
    ['a user by number', { user: '33' }, { uid: 33, gid: 44, groupsOf: 'www', env: ENV }],
    ['a user and a group', { user: 'www', group: 'log' }, { uid: 33, gid: 55, groupsOf: 'www', env: ENV }],
    ['a group alone', { group: 'log' }, { gid: 55 }],
    ['a group by a number that nobody has', { group: '4711' }, { gid: 4711 }],
    [
      'numbers that nobody has',
      { user: '4711', group: '4712' },
      { uid: 4711, gid: 4712, env: { HOME: '/', USER: '4711', LOGNAME: '4711' } },
    ],
    [
      'a user without a home',
      { user: 'homeless' },
      { uid: 34, gid: 44, groupsOf: 'homeless', env: { HOME: '/', USER: 'homeless', LOGNAME: 'homeless' } },
    ],
  ])('%s', (_name, wanted, expected) => {
    expect(resolve(wanted, ROOT)).toEqual({ ...NOTHING, ...expected });
  });
});

describe('what is not root', () => {
  test.each<[string, Partial<WantedPrivileges>, Partial<Privileges>]>([
    ['stays what it is', {}, {}],
    ['may be told what it is', { user: 'www', group: 'web' }, { env: ENV }],
    ['may be told so by number', { user: '33', group: '44', umask: 0 }, { umask: 0, env: ENV }],
  ])('%s', (_name, wanted, expected) => {
    expect(resolve(wanted, WWW)).toEqual({ ...NOTHING, ...expected });
  });

  test.each<[Partial<WantedPrivileges>, string]>([
    [
      { user: 'root' },
      '--user root: only root can change its user, and this process has the user number 33; start xgi as root, or as that user and without --user',
    ],
    [
      { user: 'www', group: 'log' },
      '--group log: only root can change its group, and this process has the group number 44; start xgi as root, or as that group and without --group',
    ],
  ])('cannot become another: %j', (wanted, message) => {
    expect(errorOf(() => resolve(wanted, WWW))).toMatchObject({ code: 'XGI_PRIVILEGES', message });
  });
});

test.each<[Partial<WantedPrivileges>, string]>([
  [{ user: 'nowho' }, '--user: expected the name or the number of a user of this machine, received "nowho"'],
  [{ user: '-1' }, '--user: expected the name or the number of a user of this machine, received "-1"'],
  [{ user: '4294967295' }, '--user: expected the name or the number of a user'],
  [
    { group: 'nowho' },
    '--group: expected the name or the number of a group of this machine, received "nowho"',
  ],
  [
    { user: '4711' },
    '--group: expected a group, as user 4711 has no account that names one; received nothing',
  ],
])('%j is refused', (wanted, message) => {
  const error = errorOf(() => resolve(wanted, ROOT));
  expect(error.code).toBe('XGI_CONFIG_VALUE');
  expect(error.message).toContain(message);
});

describe('root', () => {
  let root: string;

  beforeEach(() => {
    root = makeTempDir();
    mkdirSync(path.join(root, 'etc'));
    writeFileSync(path.join(root, 'etc/passwd'), 'root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:\n');
  });

  afterEach(() => removeTempDir(root));

  function check(given: {
    subject?: 'the application' | 'CGI programs';
    uid?: number;
    privileges?: Partial<Privileges>;
    allowRoot?: boolean;
  }): unknown {
    const { subject = 'the application', uid = 0, allowRoot = false, privileges } = given;
    const surroundings = { root, env: {} };
    const wanted = { ...NOTHING, ...privileges };
    return checkRoot({ subject, privileges: wanted, allowRoot, nameOf, uid, surroundings });
  }

  test.each(['the application', 'CGI programs'] as const)(
    'the refusal says what would run: %s',
    (subject) => {
      expect(errorOf(() => check({ subject })).message).toContain(`${subject} would run as root: `);
    },
  );

  test('is refused', () => {
    expect(errorOf(() => check({}))).toMatchObject({
      code: 'XGI_ROOT',
      message: expect.stringMatching(/--user NAME.*--allow-root/) as string,
    });
  });

  test('is refused if it is asked for by --user', () => {
    expect(errorOf(() => check({ privileges: { uid: 0, gid: 0 } })).code).toBe('XGI_ROOT');
  });

  test('is allowed if it is asked for by --allow-root', () => {
    expect(check({ allowRoot: true })).toBeUndefined();
  });

  test('is given up by another --user', () => {
    expect(check({ privileges: { uid: 33, gid: 44 } })).toBeUndefined();
  });

  test('is not what others are', () => {
    expect(check({ uid: 33 })).toBeUndefined();
  });

  test('is allowed as the only user of a container, and that is said', () => {
    writeFileSync(path.join(root, '.dockerenv'), '');
    expect(check({})).toBe(
      'running as root, the only user of this container; add one and name it with --user',
    );
  });

  test('is refused in a container that has another user', () => {
    writeFileSync(path.join(root, '.dockerenv'), '');
    writeFileSync(path.join(root, 'etc/passwd'), 'root:x:0:0::/:\nnode:x:1000:1000::/home/node:/bin/sh\n');
    expect(errorOf(() => check({})).code).toBe('XGI_ROOT');
  });
});
