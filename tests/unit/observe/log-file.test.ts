import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, readFileSync, readSync, renameSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { isWriteUnderWay, LogFile } from '../../../src/observe/log-file.js';
import { pollUntil } from '../../support/poll.js';
import { makeTempDir, removeTempDir } from '../../support/temp-dir.js';

let directory: string;
let file: string;
const problems: string[] = [];
const onProblem = (message: string): void => void problems.push(message);

beforeEach(() => {
  directory = makeTempDir();
  file = path.join(directory, 'log');
  problems.length = 0;
});

afterEach(() => removeTempDir(directory));

const read = (name = file): string => readFileSync(name, 'utf8');

test('appends lines in order', async () => {
  for (const start of [0, 1000]) {
    const log = new LogFile({ target: file, intervalMs: 0, onProblem });
    for (let i = start; i < start + 1000; i += 1) log.write(`line ${i} ä\n`);
    await log.close(5000);
  }
  const expected = Array.from({ length: 2000 }, (_, i) => `line ${i} ä\n`).join('');
  expect(read()).toBe(expected);
  expect(problems).toEqual([]);
});

test('collects lines for the interval', async () => {
  const log = new LogFile({ target: file, intervalMs: 30, onProblem });
  log.write('a\n');
  log.write('b\n');
  expect(read()).toBe('');
  await pollUntil(() => read() === 'a\nb\n');
  await log.close(5000);
});

test('does not wait for the interval when 64 KiB are there', async () => {
  const log = new LogFile({ target: file, intervalMs: 3_600_000, onProblem });
  const line = `${'x'.repeat(1023)}\n`;
  for (let i = 0; i < 64; i += 1) log.write(line);
  await pollUntil(() => read().length === 64 * 1024);
  log.write('last\n');
  await log.close(5000);
  expect(read().endsWith('x\nlast\n')).toBe(true);
});

test('reopen follows a log rotation', async () => {
  const log = new LogFile({ target: file, intervalMs: 0, onProblem });
  log.write('old\n');
  await pollUntil(() => read() === 'old\n');
  renameSync(file, `${file}.1`);
  log.reopen();
  log.write('new\n');
  await log.close(5000);
  expect(read(`${file}.1`)).toBe('old\n');
  expect(read()).toBe('new\n');
});

test('reopen while a write is under way loses nothing', async () => {
  const log = new LogFile({ target: file, intervalMs: 0, onProblem });
  for (let i = 0; i < 20; i += 1) {
    log.write(`line ${i}\n`);
    renameSync(file, `${file}.${i}`);
    log.reopen();
  }
  await log.close(5000);
  const names = [...Array.from({ length: 20 }, (_, i) => `${file}.${i}`), file];
  const lines = names
    .map((name) => read(name))
    .join('')
    .split('\n')
    .filter(Boolean);
  expect(lines).toEqual(Array.from({ length: 20 }, (_, i) => `line ${i}`));
  expect(problems).toEqual([]);
});

test('reopen that fails keeps the old file and says so', async () => {
  const log = new LogFile({ target: file, intervalMs: 0, onProblem });
  renameSync(directory, `${directory}-moved`);
  log.reopen();
  log.write('still here\n');
  await log.close(5000);
  renameSync(`${directory}-moved`, directory);
  expect(read()).toBe('still here\n');
  expect(problems).toEqual([expect.stringContaining('again, the old file goes on: ENOENT')]);
});

test('a file that cannot be opened is an error at once', () => {
  expect(() => new LogFile({ target: directory, intervalMs: 0 })).toThrow('EISDIR');
});

test('a named pipe that nobody reads is an error at once, not a wait', () => {
  execFileSync('mkfifo', [file]);
  expect(() => new LogFile({ target: file, intervalMs: 0 })).toThrow('ENXIO');
});

test('a write that fails is reported once, not thrown', async () => {
  const log = new LogFile({ target: '/dev/full', intervalMs: 0, onProblem });
  log.write('a\n');
  await pollUntil(() => problems.length > 0);
  log.write('b\n');
  await log.close(5000);
  expect(problems).toEqual([expect.stringContaining('cannot write to /dev/full: ENOSPC')]);
});

/** A named pipe with both ends open; its writing end blocks, as that of a shell does. */
function openPipe(): { reader: number; writer: number } {
  const name = path.join(directory, 'pipe');
  execFileSync('mkfifo', [name]);
  const reader = openSync(name, constants.O_RDONLY | constants.O_NONBLOCK);
  return { reader, writer: openSync(name, constants.O_WRONLY) };
}

test('a reader that has gone (EPIPE) is reported, not thrown', async () => {
  const { reader, writer } = openPipe();
  closeSync(reader);
  const log = new LogFile({ target: writer, intervalMs: 0, onProblem });
  log.write('a\n');
  await pollUntil(() => problems.length > 0);
  await log.close(5000);
  closeSync(writer);
  expect(problems).toEqual([expect.stringContaining('EPIPE')]);
});

test('a reader that stalls costs neither time nor unbounded memory, and lost lines are counted', async () => {
  const { reader, writer } = openPipe();
  const log = new LogFile({ target: writer, intervalMs: 0, onProblem });
  const line = `${'x'.repeat(1023)}\n`;
  const written = 40 * 1024;
  for (let i = 0; i < written; i += 1) log.write(line);
  const buffer = Buffer.alloc(1024 * 1024);
  let bytes = 0;
  await pollUntil(() => {
    try {
      bytes += readSync(reader, buffer);
    } catch {
      // EAGAIN: nothing there at this moment.
    }
    return problems.length > 0;
  });
  const lost = Number(/^(\d+) lines for descriptor \d+ were lost/.exec(problems[0] ?? '')?.[1]);
  expect(lost).toBeGreaterThan(written / 2);
  await pollUntil(() => {
    bytes += readSync(reader, buffer);
    return bytes === (written - lost) * line.length;
  });
  await log.close(5000);
  closeSync(reader);
  closeSync(writer);
});

test('close gives up on a reader that stalls', async () => {
  const { reader, writer } = openPipe();
  const log = new LogFile({ target: writer, intervalMs: 0, onProblem });
  log.write('x'.repeat(1024 * 1024));
  const beganAtMs = performance.now();
  await log.close(50);
  expect(performance.now() - beganAtMs).toBeGreaterThan(45);
  await pollUntil(() => !isWriteUnderWay());
  closeSync(reader);
  closeSync(writer);
});
