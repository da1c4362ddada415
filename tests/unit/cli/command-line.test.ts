import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { CommanderError } from 'commander';
import { describe, expect, test, vi } from 'vitest';
import { parseCommandLine } from '../../../src/cli/command-line.js';
import { ConfigError } from '../../../src/errors.js';
import { makeTempDir } from '../../support/temp-dir.js';

function parse(argv: readonly string[], variable?: string) {
  return parseCommandLine(argv, variable === undefined ? {} : { XGI_CMD_ARGS: variable }, '1.2.3');
}

function refusal(argv: readonly string[], variable?: string): string {
  try {
    parse(argv, variable);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as ConfigError).message;
  }
  throw new Error('not refused');
}

test('every flag becomes the key of its name', () => {
  const flags = [
    ['bind', 'b'],
    ['env', 'e'],
    'workers',
    'threads',
    'chdir',
    'pythonpath',
    'timeout',
    'graceful-timeout',
    'keep-alive',
    'limit-request-line',
    'limit-request-fields',
    'limit-request-field-size',
    'max-body-size',
    'access-logfile',
    'access-logformat',
    'log-level',
    'pid',
    'backlog',
    'forwarded-allow-ips',
    'python',
    'mount',
    'pass-env',
    'cgi-interpreter',
    'cgi-concurrency',
    'cgi-timeout',
    'cgi-idle-timeout',
    'cgi-preload',
    'cgi-index-query',
    'sendfile-root',
    'cgi-user',
    'cgi-limit-cpu',
    'cgi-limit-memory',
    'cgi-limit-files',
    'cgi-limit-processes',
  ].flat();
  const named = flags.filter((flag) => flag.length > 1);
  const { config } = parse(['app:app', ...named.map((flag) => `--${flag}=x`)]);
  expect(parse(['app:app', '--no-cgi-warm']).config).toEqual({ target: 'app:app', cgiWarm: false });
  const keys = named.map((flag) => flag.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase()));
  const repeatable = new Set(['bind', 'env', 'passEnv', 'cgiInterpreter', 'cgiIndexQuery', 'sendfileRoot']);
  expect(config).toEqual({
    target: 'app:app',
    ...Object.fromEntries(keys.map((key) => [key, repeatable.has(key) ? ['x'] : 'x'])),
  });
});

test.each([
  ['-b :1 -b :2', { bind: [':1', ':2'] }],
  ['-w 2', { workers: '2' }],
  ['-w -1', { workers: '-1' }],
  ['-w 2 -w 3', { workers: '3' }],
  ['-t5', { timeout: '5' }],
  ['-e A=1 --env B=2', { env: ['A=1', 'B=2'] }],
  ['-p run.pid', { pid: 'run.pid' }],
])('%s', (text, expected) => {
  expect(parse([...text.split(' '), 'app:app']).config).toEqual({ target: 'app:app', ...expected });
});

describe('the target', () => {
  test.each([[['app:app', '-w', '2']], [['-w', '2', 'app:app']], [['-w', '2', '--', 'app:app']]])(
    '%j',
    (argv) => {
      expect(parse(argv).config).toEqual({ target: 'app:app', workers: '2' });
    },
  );

  test.each([
    [['wsgi', 'app:app', '-w', '2'], 'wsgi'],
    [['-w', '2', 'wsgi', 'app:app'], 'wsgi'],
    [['wsgi', '-w', '2', 'app:app'], 'wsgi'],
    [['cgi', '-w', '2', 'app:app'], 'cgi'],
  ])('%j', (argv, kind) => {
    expect(parse(argv).config).toEqual({ target: 'app:app', workers: '2', kind });
  });

  test.each(['wsgi', 'cgi', 'app', 'status', 'stop'])(
    'a module named %s is served by the explicit form',
    (name) => {
      expect(parse(['wsgi', name]).config.target).toBe(name);
    },
  );

  test.each([
    [['wsgi'], 'xgi wsgi: no TARGET given'],
    [['cgi'], 'xgi cgi: no TARGET given'],
    [['static'], 'xgi static: no TARGET given'],
    [['app'], 'the module app is xgi wsgi app'],
    [['-w', '2', 'status'], 'status is a command for an xgi that runs, and is written first: xgi status'],
    [['-w', '2', 'scale', '4'], 'a Python module of that name is served with xgi wsgi scale'],
    [['a:b', 'c:d'], 'expected one TARGET, received "a:b" "c:d"'],
    [['wsgi', 'a:b', 'c:d'], 'expected one TARGET, received "a:b" "c:d"'],
  ])('%j is refused', (argv, message) => {
    expect(refusal(argv)).toContain(message);
  });
});

describe('a command that is misspelt', () => {
  test.each([
    [['stauts'], 'did you mean xgi status?'],
    [['scael', '4'], 'did you mean xgi scale?'],
    [['-w', '2', 'restart'], 'did you mean xgi reload?'],
  ])('%j is refused', (argv, message) => {
    expect(refusal(argv)).toContain(message);
  });

  test('a module of that name, where Python would look for it, is served', () => {
    const folder = makeTempDir();
    mkdirSync(path.join(folder, 'lib'));
    writeFileSync(path.join(folder, 'lib/shop.py'), '');
    const elsewhere = ['shop', '--chdir', folder];
    expect(refusal(elsewhere)).toContain(`no module of that name in ${folder}; did you mean xgi stop?`);
    for (const argv of [
      ['shop', '--chdir', path.join(folder, 'lib')],
      [...elsewhere, '--pythonpath', '/nowhere,lib'],
      ['wsgi', 'shop'],
    ])
      expect(parse(argv).config.target).toBe('shop');
    expect(parseCommandLine(elsewhere, { PYTHONPATH: 'lib' }, '1.2.3').config.target).toBe('shop');
  });
});

describe('XGI_CMD_ARGS', () => {
  test('comes before the command line, which wins', () => {
    const { config, action } = parse(
      ['app:app', '-w', '3', '-b', ':9'],
      '-w 2 --threads 4 -b :1 -b :2 --check-config',
    );
    expect(config).toEqual({ target: 'app:app', workers: '3', threads: '4', bind: [':9'] });
    expect(action).toBe('check');
  });

  test('may hold the target', () => {
    expect(parse([], 'wsgi app:app').config.target).toBe('app:app');
    expect(parse(['other:app'], 'app:app').config.target).toBe('other:app');
  });

  test('is named when a quote is not closed', () => {
    expect(refusal(['app:app'], `-w '2`)).toBe(
      `the variable XGI_CMD_ARGS: expected words as in a shell, received "-w '2", in which a quote is not closed`,
    );
  });

  test('is named for an unknown flag', () => {
    expect(refusal(['app:app'], '--wrokers 2')).toContain(
      `unknown option '--wrokers'; did you mean --workers? (in XGI_CMD_ARGS)`,
    );
  });

  test('is named with an option that came from it', () => {
    const { nameOf } = parse(['app:app', '-w', '3'], '-w 2 --limit-request-line x');
    expect(nameOf('workers')).toBe('--workers');
    expect(nameOf('limitRequestLine')).toBe('--limit-request-line (in XGI_CMD_ARGS)');
    expect(nameOf('bind')).toBe('--bind');
    expect(nameOf('target')).toBe('TARGET');
    expect(nameOf('cgiWarm')).toBe('--no-cgi-warm');
  });
});

test.each([
  [['app:app', '--wrokers', '2'], `unknown option '--wrokers'; did you mean --workers?; see xgi --help`],
  [['app:app', '--nonsense'], `unknown option '--nonsense'; see xgi --help`],
  [['app:app', '-w'], '--workers: expected a value, --workers NUMBER, received nothing; see xgi --help'],
  [['app:app', '--env'], '--env: expected a value, --env NAME=VALUE, received nothing; see xgi --help'],
])('%j is refused', (argv, message) => {
  expect(refusal(argv)).toContain(message);
});

test('help is --help; a module of that name has the explicit form', () => {
  const written = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  try {
    expect(() => parse(['help'])).toThrow(expect.objectContaining({ exitCode: 0 }) as CommanderError);
    expect(written.mock.calls.join('')).toContain('Usage: xgi [flags] [TARGET]');
  } finally {
    written.mockRestore();
  }
  expect(parse(['wsgi', 'help']).config.target).toBe('help');
});
