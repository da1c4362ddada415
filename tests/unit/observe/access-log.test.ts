import { readFileSync, renameSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { AccessLog } from '../../../src/observe/access-log.js';
import { compileAccessLogFormat } from '../../../src/observe/access-log-format.js';
import { requestFinish } from '../../../src/observe/channels.js';
import { reopenLogFiles } from '../../../src/observe/log-file.js';
import { makeTempDir, removeTempDir } from '../../support/temp-dir.js';
import { fakeFinish } from '../../support/finish.js';

let directory: string;

beforeEach(() => {
  directory = makeTempDir();
});

afterEach(() => removeTempDir(directory));

test('writes a line for each finished request, from its start to its end', async () => {
  const file = path.join(directory, 'access.log');
  expect(requestFinish.hasSubscribers).toBe(false);
  const log = new AccessLog({ file, format: compileAccessLogFormat('%s %b'), onProblem: () => {} });
  expect(requestFinish.hasSubscribers).toBe(true);
  requestFinish.publish(fakeFinish());
  requestFinish.publish(fakeFinish({ status: 404, bodyBytes: 0 }));
  renameSync(file, `${file}.1`);
  reopenLogFiles();
  await log.close(5000);
  expect(requestFinish.hasSubscribers).toBe(false);
  expect(readFileSync(file, 'utf8')).toBe('200 12\n404 -\n');
  expect(readFileSync(`${file}.1`, 'utf8')).toBe('');
});

test('a file that cannot be opened is an error, and nothing subscribes', () => {
  const options = { file: directory, format: compileAccessLogFormat('%s'), onProblem: () => {} };
  expect(() => new AccessLog(options)).toThrow('EISDIR');
  expect(requestFinish.hasSubscribers).toBe(false);
});
