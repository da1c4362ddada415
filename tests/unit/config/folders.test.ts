import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { resolveSendfileRoots } from '../../../src/config/folders.js';
import { makeTempDir, removeTempDir } from '../../support/temp-dir.js';

let directory: string;

beforeAll(() => {
  directory = makeTempDir();
  for (const name of ['files', 'caf\u00e9']) mkdirSync(path.join(directory, name));
  writeFileSync(path.join(directory, 'plain'), '');
  symlinkSync('files', path.join(directory, 'link'));
});

afterAll(() => removeTempDir(directory));

function resolve(...roots: string[]): readonly string[] {
  return resolveSendfileRoots(roots, directory, { nameOf: (key) => `--${key}` });
}

describe('--sendfile-root', () => {
  test('is known by its real path, as byte text', () => {
    expect(resolve('./link', 'caf\u00e9')).toEqual([`${directory}/files`, `${directory}/caf\u00c3\u00a9`]);
  });

  test.each([
    ['nowhere', 'ENOENT'],
    ['plain', 'it is no folder'],
  ])('%s: %s', (root, reason) => {
    expect(() => resolve(root)).toThrow('--sendfileRoot: expected a folder');
    expect(() => resolve(root)).toThrow(reason);
  });
});
