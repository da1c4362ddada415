import { linkSync, lstatSync, mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { giveName, SocketPath, temporaryPath } from '../../../src/server/socket-path.js';
import { makeTempDir } from '../../support/temp-dir.js';

/** A listening socket of that path. */
async function socketAt(file: string): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(file, resolve));
  onTestFinished(() => void server.close());
}

describe('a temporary name', () => {
  test.each([
    ['a short path', '/run/s', 100],
    ['a relative one', 'web.sock', 100],
    ['one in the root', '/s', 100],
    ['the longest', `/${'d'.repeat(80)}/${'n'.repeat(25)}`, 107],
    ['the longest, with a name of one character', `/${'d'.repeat(104)}/n`, 107],
    ['with letters of several bytes', `/${'é'.repeat(50)}/ñ`, 104],
  ])('%s', (_what, file, most) => {
    const names = new Set<string>();
    for (let i = 0; i < 200; i++) {
      const temporary = temporaryPath(file);
      expect(path.dirname(temporary)).toBe(path.dirname(file));
      expect(Buffer.byteLength(temporary)).toBeLessThanOrEqual(most);
      expect(temporary).not.toBe(file);
      names.add(temporary);
    }
    expect(names.size).toBeGreaterThan(5);
  });
});

describe('a name is given', () => {
  test('to a path that is free: the temporary one is gone', async () => {
    const folder = makeTempDir();
    const [temporary, file] = [path.join(folder, 't'), path.join(folder, 's')];
    await socketAt(temporary);
    const { ino } = lstatSync(temporary);
    giveName(temporary, file);
    expect(readdirSync(folder)).toEqual(['s']);
    expect(lstatSync(file).ino).toBe(ino);
  });

  test('not to one that another has taken meanwhile: XGI_LISTEN_IN_USE', async () => {
    const folder = makeTempDir();
    const [temporary, file] = [path.join(folder, 't'), path.join(folder, 's')];
    await socketAt(temporary);
    await socketAt(file);
    const { ino } = lstatSync(file);
    expect(() => giveName(temporary, file)).toThrow(expect.objectContaining({ code: 'XGI_LISTEN_IN_USE' }));
    expect(readdirSync(folder)).toEqual(['s']);
    expect(lstatSync(file).ino).toBe(ino);
  });
});

describe('a path is removed', () => {
  test('with its socket, once', async () => {
    const folder = makeTempDir();
    const file = path.join(folder, 's');
    await socketAt(file);
    const known = SocketPath.of(file)!;
    known.remove();
    expect(readdirSync(folder)).toEqual([]);
    known.remove();
  });

  test.each(['socket', 'file'])('not if it is that of another %s by now', async (what) => {
    const folder = makeTempDir();
    const file = path.join(folder, 's');
    await socketAt(file);
    // Keeps the number of the inode from being used again.
    linkSync(file, path.join(folder, 'kept'));
    const known = SocketPath.of(file)!;
    const other = path.join(folder, 'other');
    if (what === 'file') writeFileSync(other, '');
    else await socketAt(other);
    renameSync(other, file);
    known.remove();
    expect(readdirSync(folder)).toEqual(['kept', 's']);
  });

  test('nothing is known of what is no socket', () => {
    const folder = makeTempDir();
    mkdirSync(path.join(folder, 'd'));
    expect(SocketPath.of(path.join(folder, 'd'))).toBeUndefined();
    expect(SocketPath.of(path.join(folder, 'none'))).toBeUndefined();
  });
});
