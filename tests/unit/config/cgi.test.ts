import { chmodSync, mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PROGRAM_PATH, resolveCgi, type CgiConfig } from '../../../src/config/cgi.js';
import { type UserConfig, userConfigSchema } from '../../../src/config/schema.js';
import { ConfigError } from '../../../src/errors.js';
import { makeTempDir, removeTempDir } from '../../support/temp-dir.js';

let directory: string;

beforeAll(() => {
  directory = makeTempDir();
  for (const name of ['cgi-bin/sub', 'files', 'caf\u00e9'])
    mkdirSync(path.join(directory, name), { recursive: true });
  for (const name of ['cgi-bin/one', 'cgi-bin/sub/two', 'interpreter', 'plain'])
    writeFileSync(path.join(directory, name), '#!/bin/sh\n', { mode: 0o755 });
  chmodSync(path.join(directory, 'plain'), 0o644);
  symlinkSync('cgi-bin', path.join(directory, 'link'));
  symlinkSync('cgi-bin/one', path.join(directory, 'program-link'));
});

afterAll(() => removeTempDir(directory));

function resolve(
  user: Partial<UserConfig>,
  env: Readonly<Record<string, string | undefined>> = {},
): CgiConfig {
  const parsed = userConfigSchema.parse({ target: 'cgi-bin', ...user });
  return resolveCgi(parsed, path.resolve(directory, parsed.target!), {
    directory,
    env,
    nameOf: (key) => (key === 'target' ? 'TARGET' : `--${key}`),
  });
}

function errorOf(user: Partial<UserConfig>): ConfigError {
  try {
    resolve(user);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return error as ConfigError;
  }
  throw new Error('nothing was thrown');
}

/** What the schema says of a value. */
function messageOf(user: Partial<UserConfig>): string {
  const { error } = userConfigSchema.safeParse({ target: 'cgi-bin', ...user });
  return error?.issues[0]?.message ?? 'accepted';
}

test('the defaults', () => {
  expect(resolve({})).toEqual({
    site: { kind: 'directory', path: path.join(directory, 'cgi-bin') },
    mount: '',
    interpreters: new Map(),
    env: { PATH: PROGRAM_PATH },
    timeoutMs: 3_600_000,
    idleTimeoutMs: 60_000,
    concurrency: Math.max(32, 4 * availableParallelism()),
    user: null,
    warm: true,
    preload: [],
    passAuthorization: false,
    streamBody: false,
    index: ['index.cgi'],
    indexQuery: new Set(),
    limits: { cpuSeconds: null, memoryBytes: null, files: null, processes: null },
  });
});

test('everything', () => {
  expect(
    resolve({
      mount: '/cgi-bin/',
      cgiTimeout: '10m',
      cgiIdleTimeout: '0',
      cgiConcurrency: '7',
      cgiUser: 'www-data',
      cgiWarm: false,
      cgiPreload: 'json, urllib.parse',
      cgiPassAuthorization: true,
      cgiStreamBody: true,
      cgiLimitCpu: '10',
      cgiLimitMemory: '1gb',
      cgiLimitFiles: '64',
      cgiLimitProcesses: '100',
    }),
  ).toMatchObject({
    mount: '/cgi-bin',
    timeoutMs: 600_000,
    idleTimeoutMs: 0,
    concurrency: 7,
    user: 'www-data',
    warm: false,
    preload: ['json', 'urllib.parse'],
    passAuthorization: true,
    streamBody: true,
    limits: { cpuSeconds: 10, memoryBytes: 2 ** 30, files: 64, processes: 100 },
  });
});

describe('the site', () => {
  test('a folder is known by its real path', () => {
    expect(resolve({ target: 'link' }).site).toEqual({ kind: 'directory', path: `${directory}/cgi-bin` });
  });

  test('a program keeps its name, below the real path of its folder', () => {
    expect(resolve({ target: 'link/one' }).site).toEqual({
      kind: 'program',
      path: `${directory}/cgi-bin/one`,
    });
    expect(resolve({ target: 'program-link' }).site).toEqual({
      kind: 'program',
      path: `${directory}/program-link`,
    });
  });

  test('its path is byte text', () => {
    const bytes = Buffer.from(realpathSync(`${directory}/caf\u00e9`)).toString('latin1');
    expect(resolve({ target: 'caf\u00e9' }).site.path).toBe(bytes);
    expect(bytes).toContain('caf\u00c3\u00a9');
  });

  test('nothing of that name', () => {
    const { code, message } = errorOf({ target: 'nowhere' });
    expect(code).toBe('XGI_CONFIG_TARGET');
    expect(message).toBe(
      'TARGET: expected a folder of CGI programs, or one program, received "nowhere": there is nothing of that name',
    );
    expect(errorOf({ target: 'plain/x' }).message).toContain('ENOTDIR');
  });
});

describe('--mount', () => {
  test.each([
    ['/', ''],
    ['/cgi-bin', '/cgi-bin'],
    ['/cgi-bin/', '/cgi-bin'],
    ['/a/b.c/~d', '/a/b.c/~d'],
    ['/...', '/...'],
  ])('%j is %j', (mount, expected) => {
    expect(resolve({ mount }).mount).toBe(expected);
  });

  test.each([
    '',
    'cgi-bin',
    '//',
    '/a//b',
    '/a/../b',
    '/..',
    '/.',
    '/a b',
    '/caf\u00e9',
    '/a%20b',
    '/a?b',
    '/a#b',
  ])('%j is none', (mount) => {
    expect(messageOf({ mount })).toBe('a path that begins with /, for example /cgi-bin');
  });
});

describe('the environment', () => {
  const ENV = { HOME: '/home/anne', LANG: 'C.UTF-8', SECRET: 'x', PATH: '/home/anne/bin' };

  test('of this process, nothing is in it but what is named', () => {
    expect(resolve({ passEnv: ['LANG', 'NOT_SET'] }, ENV).env).toEqual({
      PATH: PROGRAM_PATH,
      LANG: 'C.UTF-8',
    });
  });

  test('PATH can be passed on, and -e wins', () => {
    expect(resolve({ passEnv: ['PATH'] }, ENV).env).toEqual({ PATH: '/home/anne/bin' });
    expect(resolve({ passEnv: ['PATH', 'LANG'], env: ['PATH=/opt/bin', 'A=b=c', 'B='] }, ENV).env).toEqual({
      PATH: '/opt/bin',
      LANG: 'C.UTF-8',
      A: 'b=c',
      B: '',
    });
  });

  test('is byte text', () => {
    expect(resolve({ env: ['A=\u00e9'], passEnv: ['B'] }, { B: '\u20ac' }).env).toMatchObject({
      A: '\u00c3\u00a9',
      B: '\u00e2\u0082\u00ac',
    });
  });

  test.each([
    [{ passEnv: ['A=b'] }, 'the name of a variable'],
    [{ passEnv: [''] }, 'the name of a variable'],
    [{ env: ['A'] }, 'NAME=VALUE'],
  ])('%j: expected %s', (user, expected) => {
    expect(messageOf(user)).toBe(expected);
  });
});

describe('--cgi-interpreter', () => {
  test('a path is relative to --chdir; a name is looked for where programs are', () => {
    const { interpreters } = resolve({ cgiInterpreter: ['.x=./interpreter', '.sh=sh', '.cgi.bak=/bin/sh'] });
    expect(interpreters.get('.x')).toBe(`${directory}/interpreter`);
    expect(interpreters.get('.sh')).toMatch(/^\/(?:usr\/)?bin\/sh$/);
    expect(interpreters.get('.cgi.bak')).toBe('/bin/sh');
  });

  test('of one ending, the last counts', () => {
    const { interpreters } = resolve({ cgiInterpreter: ['.x=/bin/sh', '.x=./interpreter'] });
    expect([...interpreters.values()]).toEqual([`${directory}/interpreter`]);
  });

  test.each([
    ['.x=no-such-program', `there is no such program in ${PROGRAM_PATH}`],
    ['.x=./nowhere', 'ENOENT'],
    ['.x=./plain', 'EACCES'],
    ['.x=./files', 'it is no file'],
    // Beside the programs, but where programs are looked for it is not.
    ['.x=interpreter', 'there is no such program'],
  ])('%s: %s', (entry, reason) => {
    const { message } = errorOf({ cgiInterpreter: [entry] });
    expect(message).toContain('--cgiInterpreter: expected an interpreter that can be executed');
    expect(message).toContain(reason);
  });

  test.each(['pl=/usr/bin/perl', '.pl', '.pl=', '.=/bin/sh', '.a/b=/bin/sh', ''])('%j is none', (entry) => {
    expect(messageOf({ cgiInterpreter: [entry] })).toContain('.ENDING=INTERPRETER');
  });
});

describe('--cgi-index-query', () => {
  test('names programs by their path below the folder', () => {
    const { indexQuery } = resolve({ cgiIndexQuery: ['one', './sub/two', `${directory}/cgi-bin/one`] });
    expect([...indexQuery]).toEqual([`${directory}/cgi-bin/one`, `${directory}/cgi-bin/sub/two`]);
  });

  test('or the one program', () => {
    expect([...resolve({ target: 'cgi-bin/one', cgiIndexQuery: ['one'] }).indexQuery]).toEqual([
      `${directory}/cgi-bin/one`,
    ]);
  });

  test('a folder, or nothing, is none', () => {
    for (const file of ['sub', 'three', '/one'])
      expect(errorOf({ cgiIndexQuery: [file] }).message, file).toContain(
        'expected a program, by its path below TARGET',
      );
  });
});

describe('refused is', () => {
  test.each<[Partial<UserConfig>, string]>([
    [{ cgiConcurrency: '0' }, 'a whole number from 1 to 10000'],
    [{ cgiConcurrency: 'many' }, 'a whole number from 1 to 10000'],
    [{ cgiTimeout: '25h' }, 'at most 24h'],
    [{ cgiIdleTimeout: '-1' }, '0 for none'],
    [{ cgiPreload: 'json;os' }, 'names of modules, separated by commas'],
    [{ cgiPreload: '' }, 'names of modules, separated by commas'],
    [{ cgiPreload: 'json,,os' }, 'names of modules, separated by commas'],
    [{ cgiLimitCpu: '0' }, 'a whole number from 1'],
    [{ cgiLimitMemory: '0' }, 'bytes'],
    [{ cgiLimitFiles: '2' }, 'a whole number from 3'],
    [{ cgiLimitProcesses: '1.5' }, 'a whole number from 1'],
    [{ cgiUser: '' }, 'the name or the number of a user'],
    [{ sendfileRoot: [''] }, 'a path'],
  ])('%j: expected %s', (user, expected) => {
    expect(messageOf(user)).toContain(expected);
  });
});
