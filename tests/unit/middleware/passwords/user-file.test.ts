import { execFileSync } from 'node:child_process';
import { renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { UserFile } from '../../../../src/middleware/passwords/user-file.js';
import { parseUsers } from '../../../../src/middleware/passwords/users.js';
import type { Log } from '../../../../src/types.js';
import { makeTempDir } from '../../../support/temp-dir.js';

const A = '{SHA}hvfkN/qlp/zhXR3cuerq6jd2Z7g=';
const B = '{SHA}4OF75hEN42bLJlsw9z2nBzyNOuM=';

const said: string[] = [];
const note = (message: string): void => void said.push(message);
const log: Log = { debug: note, info: note, warn: note, error: note };

let file: string;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
  said.length = 0;
  file = path.join(makeTempDir(), 'htpasswd');
});

afterEach(() => {
  vi.useRealTimers();
});

function names(users: { get(name: string): unknown }, ...asked: string[]): string[] {
  return asked.filter((name) => users.get(name) !== undefined);
}

describe('a file', () => {
  test('has comments, empty lines, further fields, and ends of lines of any kind', () => {
    const users = parseUsers(
      Buffer.from(`\uFEFF# staff\r\n\r\nada:${A}\r\n  # more\nbob:${B}:Bob, the builder\nzoë:${A}`),
    );
    expect(users.size).toBe(3);
    expect(names(users, 'ada', 'bob', 'zoë', '# staff')).toEqual(['ada', 'bob', 'zoë']);
    expect(users.get('zoë')?.identity).toEqual({ scheme: 'Basic', user: 'zo\xC3\xAB' });
  });

  test.each([
    [
      'ada:',
      'line 1: the user "ada": expected a hash of bcrypt, apr1 or {SHA}, found nothing; make one with htpasswd -B',
    ],
    ['hunter2\n', 'line 1: expected a name, a colon and a hash, found no colon'],
    [
      `ada:${A}\nbob:hunter2\n`,
      'line 2: the user "bob": expected a hash of bcrypt, apr1 or {SHA}, found a plain password',
    ],
    [`ada:${A}\nada:${B}\n`, 'line 2: the user "ada" is there twice'],
    [`zo\u00EB:${A}\nzoe\u0308:${B}\n`, 'line 2: the user "zoë" is there twice'],
    [`:${A}\n`, 'line 1: expected a name'],
    [`a\0b:${A}\n`, 'line 1: expected a name'],
  ])('%j is refused', (text, message) => {
    expect(() => parseUsers(Buffer.from(text))).toThrow(message);
    expect(() => parseUsers(Buffer.from(text))).not.toThrow('hunter2');
  });

  test('that is not UTF-8 is refused', () => {
    expect(() => parseUsers(Buffer.from(`zo\xEB:${A}\n`, 'latin1'))).toThrow('not UTF-8');
  });
});

test('an unknown name always has the same user to stand in for it', () => {
  const users = parseUsers(Buffer.from(`ada:${A}\nbob:${B}\n`));
  const standIns = new Set<string>();
  for (let i = 0; i < 50; i += 1) {
    const { user, isStandIn } = users.find(`nobody-${i}`)!;
    expect(isStandIn).toBe(true);
    expect(users.find(`nobody-${i}`)!.user).toBe(user);
    standIns.add(user.name);
  }
  expect(standIns).toEqual(new Set(['ada', 'bob']));
  expect(users.find('ada')).toEqual({ user: users.get('ada'), isStandIn: false });
});

describe('is read again', () => {
  const later = (): void => void vi.advanceTimersByTime(1001);

  test('not more than once a second, when it has changed', () => {
    writeFileSync(file, `ada:${A}\n`);
    const users = new UserFile(file, log);
    const first = users.users();
    writeFileSync(file, `ada:${A}\nbob:${B}\n`);
    vi.advanceTimersByTime(999);
    expect(users.users()).toBe(first);
    later();
    expect(names(users.users(), 'ada', 'bob')).toEqual(['ada', 'bob']);
    // What is remembered of a user goes on.
    expect(users.users().get('ada')).toBe(first.get('ada'));
  });

  test('and a changed hash makes another user', () => {
    writeFileSync(file, `ada:${A}\n`);
    const users = new UserFile(file, log);
    const before = users.users().get('ada');
    writeFileSync(file, `ada:${B}\n`);
    later();
    expect(users.users().get('ada')).not.toBe(before);
  });

  test('also if size and times are as they were, soon after it was written', () => {
    writeFileSync(file, `ada:${A}\n`);
    const users = new UserFile(file, log);
    const now = new Date();
    utimesSync(file, now, now);
    writeFileSync(file, `bob:${A}\n`);
    utimesSync(file, now, now);
    later();
    expect(names(users.users(), 'ada', 'bob')).toEqual(['bob']);
  });

  test.each([
    ['broken', () => writeFileSync(file, 'ada:plain\n'), 'line 1'],
    ['gone', () => rmSync(file), 'ENOENT'],
    ['a pipe', () => (rmSync(file), execFileSync('mkfifo', [file])), 'not a file'],
  ])('not if it is %s: the old users stay, and that is said once', (_what, harm, message) => {
    writeFileSync(file, `ada:${A}\n`);
    const users = new UserFile(file, log);
    harm();
    for (let i = 0; i < 3; i += 1) {
      later();
      expect(names(users.users(), 'ada')).toEqual(['ada']);
    }
    expect(said).toHaveLength(1);
    expect(said[0]).toContain('XGI_AUTH_USERS');
    expect(said[0]).toContain(message);
    writeFileSync(`${file}.new`, `bob:${B}\n`);
    renameSync(`${file}.new`, file);
    later();
    expect(names(users.users(), 'ada', 'bob')).toEqual(['bob']);
  });

  test('emptied, it lets nobody in, and says so', () => {
    writeFileSync(file, `ada:${A}\n`);
    const users = new UserFile(file, log);
    writeFileSync(file, '');
    later();
    expect(users.users().size).toBe(0);
    expect(said).toEqual([expect.stringContaining('nobody is let in')]);
  });
});

test('an empty file, a missing one and a folder are refused at the start', () => {
  writeFileSync(file, '# nobody yet\n');
  expect(() => new UserFile(file, log)).toThrow('no users');
  expect(() => new UserFile(`${file}-none`, log)).toThrow('ENOENT');
  expect(() => new UserFile(path.dirname(file), log)).toThrow('not a file');
});
