import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { localUsers, parseId, systemAccounts } from '../../../src/process/accounts.js';
import { makeTempDir, removeTempDir } from '../../support/temp-dir.js';

const PASSWD = `root:x:0:0:root:/root:/bin/bash
# a comment
broken:x:abc:0::/:
+nis
www:x:33:44:Web, server:/var/www:/usr/sbin/nologin

2001:x:2002:2002:a name of digits:/home/2001:/bin/sh
`;
const GROUP = 'root:x:0:\nweb:x:44:www,other\n';

let root: string;

beforeAll(() => {
  root = makeTempDir();
  mkdirSync(path.join(root, 'etc'));
  writeFileSync(path.join(root, 'etc/passwd'), PASSWD);
  writeFileSync(path.join(root, 'etc/group'), GROUP);
});

afterAll(() => removeTempDir(root));

describe.each(['the files', 'the files, as there is no getent'])('%s', (name) => {
  const getent = name === 'the files' ? null : '/nonexistent/getent';

  test.each([
    ['www', { name: 'www', uid: 33, gid: 44, home: '/var/www' }],
    ['33', { name: 'www', uid: 33, gid: 44, home: '/var/www' }],
    ['2002', { name: '2001', uid: 2002, gid: 2002, home: '/home/2001' }],
    ['2001', undefined],
    ['broken', undefined],
    ['+nis', undefined],
    ['', undefined],
    ['nobody-here', undefined],
  ])('user %j', (key, user) => {
    expect(systemAccounts({ getent, root }).user(key)).toEqual(user);
  });

  test.each([
    ['web', { name: 'web', gid: 44 }],
    ['44', { name: 'web', gid: 44 }],
    ['www', undefined],
  ])('group %j', (key, group) => {
    expect(systemAccounts({ getent, root }).group(key)).toEqual(group);
  });
});

describe('getent', () => {
  test('knows the users of this machine', () => {
    expect(systemAccounts().user('root')).toMatchObject({ name: 'root', uid: 0, gid: 0 });
    expect(systemAccounts().group('0')).toMatchObject({ gid: 0 });
    expect(systemAccounts().user('nobody-of-that-name')).toBeUndefined();
  });

  test('is asked before the files, with one key, which is never an option', () => {
    const getent = path.join(root, 'getent');
    writeFileSync(getent, '#!/bin/sh\n[ "$2" = none ] && exit 2\necho "$2:x:7:8:$1:/home/$2:"\n');
    chmodSync(getent, 0o755);
    const accounts = systemAccounts({ getent, root });
    expect(accounts.user('ldap')).toEqual({ name: 'ldap', uid: 7, gid: 8, home: '/home/ldap' });
    expect(accounts.user('none')).toBeUndefined();
    for (const key of ['--service=files', '-s', 'a b', 'a:b', 'a\nb'])
      expect(accounts.user(key)).toBeUndefined();
  });

  test('that fails otherwise leaves the files', () => {
    expect(systemAccounts({ getent: 'false', root }).user('www')?.uid).toBe(33);
  });
});

test('ids are whole numbers, below the one that means "no change"', () => {
  expect(['0', '65534', '4294967294', '007'].map(parseId)).toEqual([0, 65_534, 4_294_967_294, 7]);
  for (const text of ['', '-1', '4294967295', '99999999999', '1e3', '0x1', ' 1', '1.0'])
    expect(parseId(text)).toBeUndefined();
});

test('all users of a file; none without one', () => {
  expect(localUsers(root).map(({ uid }) => uid)).toEqual([0, 33, 2002]);
  expect(localUsers(path.join(root, 'none'))).toEqual([]);
});
