import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { StaticFolder } from '../support/static-folder.js';

const SMALL = Array.from({ length: 1000 }, (_, i) => String.fromCharCode(65 + (i % 26))).join('');
const LARGE = SMALL.repeat(600);
const folder = new StaticFolder({ 'small.txt': SMALL, 'large.txt': LARGE, 'empty.txt': '' });

beforeAll(() => folder.settled('empty.txt'));
afterAll(() => folder.remove());

describe.each([
  ['from memory', '/small.txt', SMALL],
  ['from the disk', '/large.txt', LARGE],
])('%s', (_, target, content) => {
  async function serve() {
    const served = await folder.serve();
    const { headers } = await served.get(target);
    const modifiedMs = Date.parse(headers.get('last-modified')!);
    const date = (offsetSeconds: number) => new Date(modifiedMs + offsetSeconds * 1000).toUTCString();
    return { ...served, etag: headers.get('etag')!, date };
  }

  test('If-None-Match: 304 with the validators, and nothing of the content', async () => {
    const { get, etag, date } = await serve();
    for (const value of [etag, `W/${etag}`, `"x", ${etag}`, '*']) {
      const { status, headers, rawBody } = await get(target, [`If-None-Match: ${value}`]);
      expect(status).toBe(304);
      expect([headers.get('etag'), headers.get('last-modified')]).toEqual([etag, date(0)]);
      expect(headers.has('content-length')).toBe(false);
      expect(headers.has('content-type')).toBe(false);
      expect(rawBody).toHaveLength(0);
    }
    expect((await get(target, ['If-None-Match: "x"'])).status).toBe(200);
    expect((await get(target, [`If-None-Match: ${etag}`], 'HEAD')).status).toBe(304);
  });

  test('If-Modified-Since', async () => {
    const { get, date } = await serve();
    expect((await get(target, [`If-Modified-Since: ${date(0)}`])).status).toBe(304);
    expect((await get(target, [`If-Modified-Since: ${date(1)}`])).status).toBe(304);
    expect((await get(target, [`If-Modified-Since: ${date(-1)}`])).status).toBe(200);
    expect((await get(target, ['If-Modified-Since: 0'])).status).toBe(200);
  });

  test('If-Match and If-Unmodified-Since: 412', async () => {
    const { get, etag, date } = await serve();
    expect((await get(target, [`If-Match: ${etag}`])).status).toBe(200);
    expect((await get(target, [`If-Match: W/${etag}`])).status).toBe(412);
    expect((await get(target, ['If-Match: "x"'])).status).toBe(412);
    expect((await get(target, [`If-Unmodified-Since: ${date(0)}`])).status).toBe(200);
    expect((await get(target, [`If-Unmodified-Since: ${date(-1)}`])).status).toBe(412);
    // First of all, and before a range.
    expect((await get(target, ['If-Match: "x"', `If-None-Match: ${etag}`, 'Range: bytes=0-1'])).status).toBe(
      412,
    );
  });

  test.each([
    ['bytes=0-9', 0, 10],
    ['bytes=990-', 990, content.length],
    ['bytes=-10', content.length - 10, content.length],
    [`bytes=5-${content.length * 2}`, 5, content.length],
    [`bytes=0-${content.length - 1}`, 0, content.length],
    ['bytes=0-9,5-14', 0, 15],
  ])('Range: %s is one part', async (range, start, end) => {
    const { get, etag } = await serve();
    const { status, headers, body } = await get(target, [`Range: ${range}`]);
    expect(status).toBe(206);
    expect(body.toString()).toBe(content.slice(start, end));
    expect(headers.get('content-range')).toBe(`bytes ${start}-${end - 1}/${content.length}`);
    expect(headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(headers.get('etag')).toBe(etag);
  });

  test('Range: several parts, in the order of the client', async () => {
    const { get } = await serve();
    const { status, headers, body, complete } = await get(target, ['Range: bytes=-5, 0-4, 200-299']);
    expect([status, complete]).toEqual([206, true]);
    const boundary = /^multipart\/byteranges; boundary=([0-9a-f]{24})$/.exec(
      headers.get('content-type')!,
    )![1];
    const part = (start: number, end: number) =>
      `--${boundary}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Range: bytes ${start}-${end - 1}/${content.length}\r\n\r\n${content.slice(start, end)}\r\n`;
    const { length } = content;
    expect(body.toString()).toBe(
      `${part(length - 5, length)}${part(0, 5)}${part(200, 300)}--${boundary}--\r\n`,
    );
    expect(headers.has('content-range')).toBe(false);
  });

  test('Range: none of it is there: 416', async () => {
    const { get } = await serve();
    for (const range of [`bytes=${content.length}-`, 'bytes=-0']) {
      const { status, headers } = await get(target, [`Range: ${range}`]);
      expect([status, headers.get('content-range')]).toEqual([416, `bytes */${content.length}`]);
    }
  });

  test.each(['lines=0-1', 'bytes=5-4', 'bytes=a-b', 'bytes=', `bytes=${'0-0,'.repeat(500)}`])(
    'Range: %.20s does not count',
    async (range) => {
      const { get } = await serve();
      const { status, body } = await get(target, [`Range: ${range}`]);
      expect([status, body.length]).toEqual([200, content.length]);
    },
  );

  test('If-Range', async () => {
    const { get, etag, date } = await serve();
    const status = async (value: string) =>
      (await get(target, ['Range: bytes=0-9', `If-Range: ${value}`])).status;
    expect(await status(etag)).toBe(206);
    expect(await status(date(0))).toBe(206);
    expect(await status('"x"')).toBe(200);
    expect(await status(`W/${etag}`)).toBe(200);
    expect(await status(date(1))).toBe(200);
    // Unmodified comes first.
    const both = ['Range: bytes=0-9', `If-Range: ${etag}`, `If-None-Match: ${etag}`];
    expect((await get(target, both)).status).toBe(304);
  });
});

test('of an empty file', async () => {
  const { get } = await folder.serve();
  const first = await get('/empty.txt', ['Range: bytes=0-']);
  expect([first.status, first.headers.get('content-range')]).toEqual([416, 'bytes */0']);
  expect((await get('/empty.txt', ['Range: bytes=-1'])).status).toBe(200);
});

test('a file that has just been written has a weak tag, and a strong one a second later', async () => {
  const { get } = await folder.serve();
  folder.write('young.txt', 'young');
  const etag = async () => (await get('/young.txt')).headers.get('etag')!;
  const weak = await etag();
  expect(weak).toMatch(/^W\/"/);
  expect((await get('/young.txt', [`If-Range: ${weak}`, 'Range: bytes=0-1'])).status).toBe(200);
  await folder.settled('young.txt');
  await expect.poll(etag, { timeout: 3000 }).toBe(weak.slice(2));
});
