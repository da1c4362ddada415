import { chownSync, existsSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { MeetingFolder, removeSharedFolder } from '../../../src/workers/meeting-folder.js';
import { makeTempDir, removeTempDir } from '../../support/temp-dir.js';

const outside = makeTempDir();
const precious = path.join(outside, 'precious');
afterAll(() => removeTempDir(outside));

beforeEach(() => writeFileSync(precious, 'content'));

test('alone it is private, and names are not guessed', () => {
  const folder = new MeetingFolder();
  expect(statSync(folder.path).mode & 0o7777).toBe(0o700);
  expect(folder.readableMode).toBeNull();
  expect(path.dirname(folder.fifoPath())).toBe(folder.path);
  expect(folder.statePath()).toMatch(/\/state-[A-Za-z0-9_-]{22}$/);
  expect(folder.statePath()).not.toBe(folder.statePath());
  folder.remove();
  expect(existsSync(folder.path)).toBe(false);
});

describe.runIf(process.geteuid!() === 0)('shared by root', () => {
  test('it is the gateway’s, and the group may pass through', () => {
    const folder = new MeetingFolder();
    folder.share({ gatewayUid: 4711, gid: 4712 });
    const { uid, gid, mode } = statSync(folder.path);
    expect([uid, gid, mode & 0o7777]).toEqual([4711, 4712, 0o2710]);
    writeFileSync(folder.socketPath, '');
    folder.open();
    expect(statSync(folder.socketPath).mode & 0o777).toBe(0o660);
    const fifos = path.dirname(folder.fifoPath());
    expect(path.dirname(fifos)).toBe(folder.path);
    expect(statSync(fifos).mode & 0o7777).toBe(0o3733);
    // What is made there has the gateway's group, which is root's here.
    writeFileSync(folder.fifoPath(), '');
    expect(statSync(path.join(fifos, readdirSync(fifos)[0]!)).gid).toBe(process.getegid!());
    folder.remove();
    expect(existsSync(folder.path)).toBe(false);
  });

  test('one that was replaced meanwhile is not given away', () => {
    const folder = new MeetingFolder();
    chownSync(folder.path, 4711, 4711);
    expect(() => folder.share({ gatewayUid: 4711, gid: 4712 })).toThrow(/it was replaced/);
    expect(statSync(folder.path).gid).toBe(4711);
    folder.remove();
  });
});

test('removal goes down into no folder that a worker has made', () => {
  const folder = makeTempDir();
  mkdirSync(path.join(folder, 'stderr/full'), { recursive: true });
  mkdirSync(path.join(folder, 'stderr/empty'));
  symlinkSync(outside, path.join(folder, 'stderr/full/link'));
  symlinkSync(outside, path.join(folder, 'stderr/link'));
  for (const name of ['socket', 'host', 'body-1', 'stderr/stderr-1'])
    writeFileSync(path.join(folder, name), '');
  removeSharedFolder(folder);
  expect(readdirSync(folder)).toEqual(['stderr']);
  expect(readdirSync(path.join(folder, 'stderr'))).toEqual(['full']);
  expect(readdirSync(path.join(folder, 'stderr/full'))).toEqual(['link']);
  expect(existsSync(precious)).toBe(true);
  removeTempDir(folder);
});
