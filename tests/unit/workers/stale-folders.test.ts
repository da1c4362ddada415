/** What is removed is a matter of trust: each test but the first is a folder that has to stay. */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { hostname } from 'node:os';
import path from 'node:path';
import { once } from 'node:events';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { removeStaleFolders } from '../../../src/workers/stale-folders.js';
import { makeTempDir } from '../../support/temp-dir.js';

let parent: string;
let folder: string;

/** Binds a socket and dies. */
const KILLED = `require('node:net').createServer().listen('socket', () => process.kill(process.pid, 'SIGKILL'))`;

beforeEach(() => {
  parent = makeTempDir();
  folder = path.join(parent, 'xgi-AbCdEf');
  mkdirSync(folder, { mode: 0o700 });
  spawnSync(process.execPath, ['-e', KILLED], { cwd: folder });
  utimesSync(path.join(folder, 'socket'), 1, 1);
  writeFileSync(path.join(folder, 'host'), hostname());
  mkdirSync(path.join(folder, 'bodies'));
  writeFileSync(path.join(folder, 'bodies', 'spooled'), 'x');
});

test('the folder of a gateway that was killed is removed', async () => {
  mkdirSync(path.join(parent, 'xgi-other'));
  await removeStaleFolders(parent);
  expect(existsSync(folder)).toBe(false);
  expect(existsSync(path.join(parent, 'xgi-other'))).toBe(true);
});

test('a gateway that lives keeps its folder', async () => {
  const socket = path.join(folder, 'socket');
  rmSync(socket);
  const server = createServer().listen(socket);
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  utimesSync(socket, 1, 1);
  await removeStaleFolders(parent);
  expect(existsSync(folder)).toBe(true);
});

test('a link is not followed', async () => {
  const elsewhere = path.join(parent, 'elsewhere');
  renameSync(folder, elsewhere);
  symlinkSync(elsewhere, folder);
  await removeStaleFolders(parent);
  expect(existsSync(path.join(elsewhere, 'bodies', 'spooled'))).toBe(true);
});

test.each<[string, () => void]>([
  ['that others can enter', () => chmodSync(folder, 0o755)],
  ['without a socket', () => rmSync(path.join(folder, 'socket'))],
  ['of another host', () => writeFileSync(path.join(folder, 'host'), 'other')],
  ['that is being made', () => utimesSync(path.join(folder, 'socket'), Date.now() / 1000, Date.now() / 1000)],
  [
    'with a file in place of the socket',
    () => {
      rmSync(path.join(folder, 'socket'));
      writeFileSync(path.join(folder, 'socket'), '');
      utimesSync(path.join(folder, 'socket'), 1, 1);
    },
  ],
])('a folder %s stays', async (_what, change) => {
  change();
  await removeStaleFolders(parent);
  expect(existsSync(folder)).toBe(true);
});

test('a parent that is not there is no error', async () => {
  await removeStaleFolders(path.join(parent, 'none'));
});
