/** Files that change while they are in memory, or while they are being sent. */
import {
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  unlinkSync,
  writeFileSync,
  openSync,
  writeSync,
  closeSync,
} from 'node:fs';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { toByteText } from '../../src/gateway/byte-text.js';
import { pollUntil } from '../support/poll.js';
import { StaticFolder } from '../support/static-folder.js';
import { WsgiClient } from '../support/wsgi-client.js';

function makeFolder(files: Readonly<Record<string, string | Buffer>>): StaticFolder {
  const folder = new StaticFolder(files);
  onTestFinished(() => folder.remove());
  return folder;
}

describe('what has changed in memory is seen within a second', () => {
  const changes: [string, (file: string) => void, number, string][] = [
    ['written anew, of the same length', (file) => writeFileSync(file, 'new'), 200, 'new'],
    ['written anew, longer', (file) => writeFileSync(file, 'much longer'), 200, 'much longer'],
    ['emptied', (file) => truncateSync(file), 200, ''],
    [
      'replaced by another',
      (file) => {
        writeFileSync(`${file}.next`, 'new');
        renameSync(`${file}.next`, file);
      },
      200,
      'new',
    ],
    ['removed', (file) => unlinkSync(file), 404, ''],
    [
      'made a link that leads out',
      (file) => {
        rmSync(file);
        symlinkSync('/etc/passwd', file);
      },
      404,
      '',
    ],
    [
      'grown beyond what is kept in memory',
      (file) => writeFileSync(file, 'x'.repeat(400_000)),
      200,
      'x'.repeat(400_000),
    ],
  ];

  test.each(changes)('%s', async (_, change, status, content) => {
    const folder = makeFolder({ 'a.txt': 'old' });
    const { get } = await folder.serve();
    const { headers } = await get('/a.txt');
    // In use all the time, as it would be.
    expect((await get('/a.txt')).body.toString()).toBe('old');
    change(path.join(folder.root, 'a.txt'));
    await pollUntil(
      async () => {
        const answer = await get('/a.txt');
        return answer.status === status && (status !== 200 || answer.body.toString() === content);
      },
      { what: 'the change to be seen', deadlineMs: 1000 },
    );
    const unmodified = await get('/a.txt', [`If-None-Match: ${headers.get('etag')}`]);
    expect(unmodified.status).toBe(status);
  });

  test('written twice within one tick of the clock', async () => {
    const folder = makeFolder({ 'a.txt': 'one' });
    const { get } = await folder.serve();
    for (const content of ['two', 'ten', 'six']) {
      await get('/a.txt');
      folder.write('a.txt', content);
      await get('/a.txt');
      folder.write('a.txt', content.toUpperCase());
      await pollUntil(async () => (await get('/a.txt')).body.toString() === content.toUpperCase(), {
        what: content,
        deadlineMs: 1000,
      });
    }
  });

  test('a folder that is a link to another version', async () => {
    const folder = makeFolder({ 'v1/a.txt': 'one', 'v2/a.txt': 'two' });
    folder.link('current', 'v1');
    const { get } = await folder.serve();
    expect((await get('/current/a.txt')).body.toString()).toBe('one');
    folder.link('next', 'v2');
    renameSync(path.join(folder.root, 'next'), path.join(folder.root, 'current'));
    await pollUntil(async () => (await get('/current/a.txt')).body.toString() === 'two', {
      deadlineMs: 1000,
    });
  });

  test('a root that is a link, which leads to a new version; to nothing; and there again', async () => {
    const folder = makeFolder({ 'v1/a.txt': 'one', 'v2/a.txt': 'two', 'v2/b/c.txt': '' });
    const current = path.join(folder.root, 'current');
    const lead = (to: string): void => {
      folder.link('next', to);
      renameSync(path.join(folder.root, 'next'), current);
    };
    lead('v1');
    const { get } = await folder.serve({ root: toByteText(current), listing: true });
    const seen = (content: string) =>
      pollUntil(async () => (await get('/a.txt')).body.toString() === content, { deadlineMs: 1000 });
    await seen('one');
    lead('v2');
    await seen('two');
    expect((await get('/b/')).body.toString()).toContain('c.txt');
    lead('v3');
    await pollUntil(async () => (await get('/a.txt')).status === 404, { deadlineMs: 1000 });
    lead('v1');
    await seen('one');
  });

  test('a compressed form that comes and goes', async () => {
    const folder = makeFolder({ 'a.js': 'plain' });
    const { get } = await folder.serve({ precompressed: true });
    const seen = (content: string) =>
      pollUntil(async () => (await get('/a.js', ['Accept-Encoding: gzip'])).body.toString() === content, {
        what: content,
        deadlineMs: 1000,
      });
    await seen('plain');
    folder.write('a.js.gz', 'coded');
    await seen('coded');
    rmSync(path.join(folder.root, 'a.js.gz'));
    await seen('plain');
  });

  test('a replacement with the length and the times of what it replaces has another tag', async () => {
    const folder = makeFolder({ 'a.txt': 'old' });
    const file = path.join(folder.root, 'a.txt');
    utimesSync(file, 0, 0);
    await folder.settled('a.txt');
    const { get } = await folder.serve();
    const { headers } = await get('/a.txt');
    // In its own inode, as a new file often gets that of the one that was removed.
    writeFileSync(file, 'new');
    utimesSync(file, 0, 0);
    await folder.settled('a.txt');
    const { status, body } = await get('/a.txt', [`If-None-Match: ${headers.get('etag')}`]);
    expect([status, body.toString()]).toEqual([200, 'new']);
    const part = await get('/a.txt', ['Range: bytes=1-', `If-Range: ${headers.get('etag')}`]);
    expect([part.status, part.body.toString()]).toEqual([200, 'new']);
  });

  test('a file that was not there', async () => {
    const folder = makeFolder({});
    const { get } = await folder.serve();
    expect((await get('/a.txt')).status).toBe(404);
    folder.write('a.txt', 'here');
    expect((await get('/a.txt')).status).toBe(200);
  });
});

const SIZE = 24_000_000;

describe('what changes while it is sent', () => {
  /** A client that has read the beginning and waits. */
  async function begin(fields: readonly string[] = []) {
    const folder = makeFolder({ 'large.bin': Buffer.alloc(SIZE, 'old ') });
    const { port, log } = await folder.serve();
    const client = new WsgiClient(port);
    onTestFinished(() => client.close());
    // At once: a quick machine sends the whole within milliseconds.
    client.socket.once('data', () => client.socket.pause());
    client.send(`GET /large.bin HTTP/1.1\r\n${['Host: a', ...fields].join('\r\n')}\r\n\r\n`);
    await pollUntil(() => client.received.length > 0, { what: 'the beginning' });
    const file = path.join(folder.root, 'large.bin');
    return {
      file,
      log,
      finish: async () => {
        client.socket.resume();
        return await client.answer();
      },
    };
  }

  function expectOldOnly(body: Buffer): void {
    expect(body.equals(Buffer.alloc(body.length, 'old '))).toBe(true);
  }

  test.each([
    ['shorter', (file: string) => truncateSync(file, 1000)],
    ['empty', (file: string) => truncateSync(file)],
    ['longer', (file: string) => writeFileSync(file, 'more', { flag: 'a' })],
    ['other', (file: string) => writeInside(file, SIZE - 8, 'new new ')],
  ])('%s: the answer is cut off, and nothing of the new is in it', async (_, change) => {
    const { file, log, finish } = await begin();
    change(file);
    const { complete, body } = await finish();
    expect(complete).toBe(false);
    expect(body.length).toBeLessThan(SIZE);
    expectOldOnly(body);
    expect(log.map(({ message }) => message).join()).toMatch(/XGI_HTTP_(?:FILE_CHANGED|BODY_SHORT)/);
  });

  test('a part of it likewise, and several', async () => {
    for (const range of ['bytes=1000-', 'bytes=0-9,1000-']) {
      const { file, finish } = await begin([`Range: ${range}`]);
      writeInside(file, SIZE - 8, 'new new ');
      const { status, complete, body } = await finish();
      expect([status, complete]).toEqual([206, false]);
      expect(body.includes('new')).toBe(false);
    }
  });

  test.each([
    [
      'replaced',
      (file: string) => {
        writeFileSync(`${file}.next`, 'new');
        renameSync(`${file}.next`, file);
      },
    ],
    ['removed', (file: string) => rmSync(file)],
  ])('%s: the answer is whole, and the old one', async (_, change) => {
    const { file, finish } = await begin();
    change(file);
    const { complete, body } = await finish();
    expect([complete, body.length]).toEqual([true, SIZE]);
    expectOldOnly(body);
  });
});

function writeInside(file: string, position: number, text: string): void {
  const fd = openSync(file, 'r+');
  writeSync(fd, text, position);
  closeSync(fd);
}
