import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { XgiError } from '../../../src/errors.js';
import { LogFile } from '../../../src/observe/log-file.js';
import { ProgramLog, type ProgramLogLevel } from '../../../src/observe/program-log.js';
import { makeTempDir, removeTempDir } from '../../support/temp-dir.js';

let directory: string;

beforeEach(() => {
  directory = makeTempDir();
});

afterEach(() => removeTempDir(directory));

/** What is logged at that level, with the prefix of each line (time and process) cut to its level. */
async function logged(level: ProgramLogLevel, write: (log: ProgramLog) => void): Promise<string> {
  const file = path.join(directory, 'log');
  const log = new ProgramLog({ level, file: new LogFile({ target: file, intervalMs: 0 }) });
  write(log);
  await log.close(5000);
  const prefix = new RegExp(
    String.raw`^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4}\] \[${process.pid}\] `,
    'gm',
  );
  return readFileSync(file, 'utf8').replace(prefix, '');
}

const everyLevel = (log: ProgramLog): void => {
  log.debug('d');
  log.info('i');
  log.warn('w');
  log.error('e');
  log.critical('c');
};

test.each<[ProgramLogLevel, number]>([
  ['debug', 5],
  ['info', 4],
  ['warning', 3],
  ['error', 2],
  ['critical', 1],
])('at %s, %d levels are written', async (level, count) => {
  const lines = ['[DEBUG] d\n', '[INFO] i\n', '[WARNING] w\n', '[ERROR] e\n', '[CRITICAL] c\n'];
  expect(await logged(level, everyLevel)).toBe(lines.slice(-count).join(''));
});

describe('fields', () => {
  test('stand behind the message', async () => {
    const text = await logged('info', (log) => {
      log.info('failed', {
        code: 'XGI_X',
        request: '1-7',
        path: 'a b',
        count: 3,
        none: null,
        list: [1],
        skip: undefined,
      });
    });
    expect(text).toBe('[INFO] failed (code=XGI_X request=1-7 path="a b" count=3 none=null list=[1])\n');
  });

  test('pid is the process that speaks', async () => {
    expect(await logged('info', (log) => log.error('x', { pid: 4711 }))).toMatch(
      /^\[.*\] \[4711\] \[ERROR\] x\n$/,
    );
  });

  test('detail follows, indented', async () => {
    const detail = 'Traceback (most recent call last):\n\tFile "x"\r\nKeyError: 1\n\n';
    expect(await logged('info', (log) => log.error('failed', { detail }))).toBe(
      '[ERROR] failed\n    Traceback (most recent call last):\n    \tFile "x"\n    KeyError: 1\n',
    );
  });

  test('backslashes stay as they are: source lines are full of them', async () => {
    const text = await logged('info', (log) => {
      log.error(String.raw`no such file: C:\x`, { detail: String.raw`re.compile("\d+")` });
    });
    expect(text).toBe(
      String.raw`[ERROR] no such file: C:\x` + '\n' + String.raw`    re.compile("\d+")` + '\n',
    );
  });

  test('an error is its stack, and the detail of ours', async () => {
    const text = await logged('info', (log) => {
      log.error('failed', { err: new XgiError('XGI_X', 'it broke', { detail: 'line 1\nline 2' }) });
    });
    expect(text).toMatch(/^\[ERROR\] failed\n {4}XgiError: it broke\n {8}at /);
    expect(text).toMatch(/\n {4}line 1\n {4}line 2\n$/);
  });
});

describe('what others wrote cannot forge a line', () => {
  const forged = 'x\n[2026-11-20 16:48:00 +0000] [1] [INFO] all is well\r\x1b[2J\u2028\u202e';

  test.each<[string, (log: ProgramLog) => void]>([
    ['in the message', (log) => log.info(forged)],
    ['in a field', (log) => log.info('x', { path: forged })],
    ['in the name of a field', (log) => log.info('x', { [forged]: 1 })],
    ['in the detail', (log) => log.info('x', { detail: forged })],
    ['in an error', (log) => log.info('x', { err: new Error(forged) })],
  ])('%s', async (_where, write) => {
    const text = await logged('info', write);
    const [first, ...others] = text.trimEnd().split('\n');
    expect(first).toMatch(/^\[INFO\] x/);
    for (const line of others) expect(line).toMatch(/^ {4}/);
    // oxlint-disable-next-line no-control-regex
    expect(text).not.toMatch(/[\x00-\x08\x0b-\x1f\x7f\u2028\u202e]/);
  });
});

test('further lines of a message are indented', async () => {
  expect(
    await logged('info', (log) => log.warn('Traceback:\n  File "x"\nKeyError\n', { requestId: '1-7' })),
  ).toBe('[WARNING] Traceback: (requestId=1-7)\n      File "x"\n    KeyError\n');
});

test('a percent sign is no format', async () => {
  expect(await logged('info', (log) => log.info('100%s %d %j', { a: 1 }))).toBe('[INFO] 100%s %d %j (a=1)\n');
});
