/**
 * A configuration file that is none: a FIFO that nobody writes to, a device without an end, a gigabyte, bytes that are no text, keys by the hundred
 * thousand. Whoever can put it where the file was stops the next start or, worse, the server that reads it again. Each is an error, at once.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { loadConfigFile } from '../../src/config/file.js';
import { importXgi } from '../../src/service/load-module.js';
import { hear, Project, sayingApp } from '../support/cli-project.js';
import { makeTempDir } from '../support/temp-dir.js';
import { killAllIn, runXgi, startXgi } from '../support/xgi.js';

let project: Project | undefined;

afterEach(() => {
  if (project !== undefined) killAllIn(project.directory);
});

const HOSTILE: readonly (readonly [string, (file: string) => void, string])[] = [
  ['a FIFO', (file) => execFileSync('mkfifo', [file]), 'it is not a regular file'],
  ['a device', (file) => symlinkSync('/dev/zero', file), 'it is not a regular file'],
  ['a folder', (file) => mkdirSync(file), 'it is a folder'],
  ['a link to itself', (file) => symlinkSync(file, file), 'a symbolic link that leads to itself'],
  [
    'a gigabyte',
    (file) => {
      writeFileSync(file, '');
      truncateSync(file, 2 ** 30);
    },
    'it has 1073741824 bytes, and at most 8388608 are read',
  ],
  [
    'latin-1',
    (file) => writeFileSync(file, Buffer.from('a: b\nc: \xe9\n', 'latin1')),
    'line 2 is not UTF-8: save it as UTF-8',
  ],
  [
    'UTF-16',
    (file) => writeFileSync(file, Buffer.from('\ufeffa: b\n', 'utf16le')),
    'it is UTF-16: save it as UTF-8',
  ],
  [
    'a key that is there twice, among 50,000',
    (file) =>
      writeFileSync(file, Array.from({ length: 50_000 }, (_, i) => `k${i}: 1\n`).join('') + 'k7: 1\n'),
    'hostile.yaml:50001:1: k7 is there twice',
  ],
];

test.each(HOSTILE)('%s', { timeout: 20_000 }, async (_, make, message) => {
  const folder = makeTempDir();
  const file = path.join(folder, 'hostile.yaml');
  make(file);
  await expect(loadConfigFile(file, folder, importXgi)).rejects.toThrow(message);
});

test.each([
  ['xgi.config.yaml', (file: string) => execFileSync('mkfifo', [file]), 'it is not a regular file'],
  [
    'xgi.config.ts',
    (file: string) => writeFileSync(file, 'Promise.reject(new Error("stray"));\nexport default {};\n'),
    'it cannot be loaded: stray',
  ],
])('a reload of %s keeps what is served, and says why', { timeout: 30_000 }, async (name, make, message) => {
  project = new Project();
  project.write('shop.py', sayingApp('old'));
  const file = project.write(name, settingsAs(name));
  const server = await startXgi(['-w', '1'], { cwd: project.directory });
  rmSync(file);
  make(file);
  const reload = await runXgi(['reload', String(server.child.pid)], { cwd: project.directory });
  expect(reload.code).toBe(1);
  expect(reload.stderr).toContain(message);
  expect(await hear(server.origin)).toBe('old');
});

function settingsAs(name: string): string {
  return name.endsWith('.ts') ? "export default { target: 'shop:app' };\n" : 'target: shop:app\n';
}
