import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ConfigError, XgiError } from '../../../src/errors.js';
import { writePidFile } from '../../../src/process/pid-file.js';
import { makeTempDir, removeTempDir } from '../../support/temp-dir.js';

let directory: string;
let file: string;

beforeEach(() => {
  directory = makeTempDir();
  file = path.join(directory, 'pid');
});

afterEach(() => removeTempDir(directory));

test('holds our id until it is removed', () => {
  const remove = writePidFile(file);
  expect(readFileSync(file, 'utf8')).toBe(`${process.pid}\n`);
  expect(statSync(file).mode & 0o777).toBe(0o644);
  expect(readdirSync(directory)).toEqual(['pid']);
  remove();
  expect(existsSync(file)).toBe(false);
  remove();
});

test('is left alone when it is no longer ours', () => {
  const remove = writePidFile(file);
  writeFileSync(file, '1\n');
  remove();
  expect(readFileSync(file, 'utf8')).toBe('1\n');
});

test('a directory that has gone is no error', () => {
  const remove = writePidFile(file);
  rmSync(directory, { recursive: true });
  expect(remove).not.toThrow();
});

describe('an old file', () => {
  test('of a living process is refused', () => {
    writeFileSync(file, `${process.ppid}\n`);
    let error: unknown;
    try {
      writePidFile(file, { predecessor: process.pid + 1 });
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(XgiError);
    expect((error as XgiError).code).toBe('XGI_PID_IN_USE');
    expect((error as XgiError).message).toContain(`${file} belongs to the running process ${process.ppid}`);
    expect(readFileSync(file, 'utf8')).toBe(`${process.ppid}\n`);
  });

  test('of a living predecessor is replaced, and not removed by it', () => {
    const removeOld = writePidFile(file);
    writeFileSync(file, `${process.ppid}\n`);
    const remove = writePidFile(file, { predecessor: process.ppid });
    expect(readFileSync(file, 'utf8')).toBe(`${process.pid}\n`);
    remove();
    writeFileSync(file, `${process.ppid}\n`);
    removeOld();
    expect(existsSync(file)).toBe(true);
  });

  test('of a dead process is replaced', async () => {
    const child = spawn('true');
    await once(child, 'exit');
    writeFileSync(file, `${child.pid}\n`);
    writePidFile(file)();
    expect(existsSync(file)).toBe(false);
  });

  test.each(['', 'abc\n', '0\n', '-1\n', `${process.pid}\n`, '99999999999\n'])(
    'that holds %j is replaced',
    (text) => {
      writeFileSync(file, text);
      const remove = writePidFile(file);
      expect(readFileSync(file, 'utf8')).toBe(`${process.pid}\n`);
      remove();
    },
  );
});

test('a place that cannot be written is an error that names it', () => {
  expect(() => writePidFile(path.join(directory, 'none/pid'))).toThrow(
    /cannot write the pid file .*none\/pid: ENOENT/,
  );
});

test('a place that cannot be written is a mistake in the configuration', () => {
  const folder = path.join(directory, 'folder');
  mkdirSync(folder);
  expect(() => writePidFile(folder)).toThrow(ConfigError);
  expect(() => writePidFile(folder)).toThrow('cannot write the pid file');
});
