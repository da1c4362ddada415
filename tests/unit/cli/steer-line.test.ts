import { expect, test, vi } from 'vitest';
import { parseSteerLine } from '../../../src/cli/steer-line.js';
import { findSteerName, type SteerName } from '../../../src/cli/steer-names.js';
import { ConfigError } from '../../../src/errors.js';

const DEFAULTS = {
  controlSocket: undefined,
  pid: undefined,
  json: false,
  quick: false,
  timeoutMs: 60_000,
  workers: '',
  app: undefined,
};

test.each([
  ['status', '', {}],
  ['status', '4711 --json', { pid: 4711, json: true }],
  ['status', '--control-socket /run/s', { controlSocket: '/run/s' }],
  ['reload', '--json 4711', { pid: 4711, json: true }],
  ['stop', '', {}],
  ['stop', '--quick --timeout 2m 4711', { quick: true, timeoutMs: 120_000, pid: 4711 }],
  ['stop', '--timeout 0', { timeoutMs: 0 }],
  ['scale', '4', { workers: '4' }],
  ['scale', '2..8 4711 --json', { workers: '2..8', pid: 4711, json: true }],
] as const)('xgi %s %s', (name, text, expected) => {
  expect(parseSteerLine(name, words(text))).toEqual({ ...DEFAULTS, ...expected });
});

test.each([
  ['status', '0', 'xgi status: expected the process id of a running xgi, received "0"'],
  ['status', 'app:app', 'a Python module called status is served with xgi wsgi status'],
  ['status', '1 2', 'xgi status: expected at most one PID, received "1" "2"; see xgi status --help'],
  ['status', '--quick', "unknown option '--quick'; see xgi status --help"],
  ['reload', '-c', "unknown option '-c'; see xgi reload --help"],
  ['status', '--jsno', "unknown option '--jsno'; did you mean --json?; see xgi status --help"],
  [
    'status',
    '--control-socket',
    '--control-socket: expected a value, --control-socket PATH, received nothing; see xgi status --help',
  ],
  ['stop', '--timeout soon', '--timeout: expected'],
  ['stop', '--timeout 25h', 'at most 24h, received "25h"'],
  [
    'scale',
    '',
    'xgi scale: expected a whole number from 1 to 1024, or MIN..MAX, received nothing; see xgi scale --help',
  ],
  ['scale', '1 2 3', 'xgi scale: expected WORKERS and at most one PID, received "1" "2" "3"'],
  ['scale', '0', 'xgi scale: expected a whole number from 1 to 1024, or MIN..MAX, received "0"'],
  ['scale', '8..2', 'xgi scale: expected MIN..MAX with a MIN that is not above MAX, received "8..2"'],
  ['scale', '0..2', 'xgi scale: expected a whole number from 1 to 1024, or MIN..MAX, received "0..2"'],
  ['scale', '-1', 'received "-1"'],
  ['scale', '4 here', 'expected the process id of a running xgi, received "here"'],
] as const)('xgi %s %s is refused', (name, text, message) => {
  expect(refusal(name, words(text))).toContain(message);
});

test.each(['status', 'reload', 'stop', 'scale'] as const)('xgi %s --help', (name) => {
  let text = '';
  const written = vi.spyOn(process.stdout, 'write').mockImplementation((part) => {
    text += String(part);
    return true;
  });
  try {
    expect(() => parseSteerLine(name, ['--help'])).toThrow(expect.objectContaining({ exitCode: 0 }) as Error);
  } finally {
    written.mockRestore();
  }
  expect(text).toContain(`Usage: xgi ${name} [options]`);
  expect(text).toMatch(/\nExit status:\n {2}0 {2}/);
  expect(text.split('\n').filter((line) => line.length > 80)).toEqual([]);
});

test('the names', () => {
  expect(findSteerName('status')).toBe('status');
  expect(findSteerName('Status')).toBeUndefined();
  expect(findSteerName(undefined)).toBeUndefined();
});

function words(text: string): string[] {
  return text.split(' ').filter((word) => word !== '');
}

function refusal(name: SteerName, argv: readonly string[]): string {
  try {
    parseSteerLine(name, argv);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as ConfigError).message;
  }
  throw new Error('not refused');
}
