/** X-Sendfile: the file is sent as a static file is, with what the program says of it. */
import { closeSync, openSync, truncateSync, utimesSync, writeSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CgiSite } from '../support/cgi-site.js';
import { pollUntil } from '../support/poll.js';
import type { RawAnswer } from '../support/wsgi-client.js';

const site = new CgiSite();
const CONTENT = '0123456789'.repeat(10);
const PAST = new Date('2020-02-02T02:02:02.5Z');
const LARGE = 24_000_000;
let asked = 0;

beforeAll(async () => {
  site.write('files/report.txt', CONTENT);
  utimesSync(site.file('files/report.txt'), PAST, PAST);
  await site.start(['--sendfile-root', 'files']);
  // Settled: until then its entity tag is weak.
  await pollUntil(async () => (await sent()).headers.get('etag')?.startsWith('"'));
});
afterAll(() => site.destroy());

interface Asked {
  readonly program?: readonly string[];
  readonly fields?: readonly string[];
  readonly method?: string;
}

/** The answer of a program that has the report sent, with fields of its own. */
function sent({ program = ['Content-Type: text/plain'], fields = [], method = 'GET' }: Asked = {}) {
  const head = [`X-Sendfile: ${site.file('files/report.txt')}`, ...program].join('\n');
  return site.get(site.output(`sent-${++asked}`, `${head}\n\nnot this`), {
    method,
    headers: [...fields],
  });
}

function seen({ status, headers, body }: RawAnswer) {
  return [status, headers.get('content-range'), headers.get('content-length'), body.toString()];
}

describe('what the file tells', () => {
  test('validators, length, and that ranges are taken', async () => {
    const { status, headers, body } = await sent({ program: ['Status: 200 Fine', 'Content-Length: 3'] });
    expect([status, body.toString()]).toEqual([200, CONTENT]);
    expect(Object.fromEntries(headers)).toMatchObject({
      'content-type': 'text/plain; charset=utf-8',
      'content-length': '100',
      'last-modified': 'Sun, 02 Feb 2020 02:02:02 GMT',
      'accept-ranges': 'bytes',
      etag: expect.stringMatching(/^"[^"]+"$/) as string,
    });
  });

  test('HEAD is answered as GET, without a body', async () => {
    const [head, get] = [await sent({ method: 'HEAD' }), await sent()];
    expect(head.body.length).toBe(0);
    for (const name of ['content-length', 'etag', 'last-modified', 'accept-ranges', 'content-type'])
      expect([name, head.headers.get(name)]).toEqual([name, get.headers.get(name)]);
  });

  test('one range, and several', async () => {
    expect(seen(await sent({ fields: ['Range: bytes=5-9'] }))).toEqual([206, 'bytes 5-9/100', '5', '56789']);
    expect(seen(await sent({ fields: ['Range: bytes=-3'] }))).toEqual([206, 'bytes 97-99/100', '3', '789']);
    const { status, headers, body } = await sent({ fields: ['Range: bytes=0-1,90-91'] });
    expect(status).toBe(206);
    expect(headers.get('content-type')).toMatch(/^multipart\/byteranges; boundary=/);
    expect(body.toString()).toMatch(
      /Content-Type: text\/plain\r\nContent-Range: bytes 0-1\/100\r\n\r\n01\r\n[^]*bytes 90-91\/100\r\n\r\n01\r\n/,
    );
    expect(headers.get('content-length')).toBe(String(body.length));
  });

  test('a range that is not there: 416, that nobody keeps', async () => {
    const answer = await sent({
      program: ['Content-Type: a/b', 'Cache-Control: max-age=9999'],
      fields: ['Range: bytes=100-'],
    });
    expect(seen(answer).slice(0, 2)).toEqual([416, 'bytes */100']);
    expect(answer.headers.has('cache-control')).toBe(false);
  });

  test('preconditions', async () => {
    const { headers } = await sent();
    const etag = headers.get('etag')!;
    const statusOf = async (...fields: string[]) => (await sent({ fields })).status;
    expect(await statusOf(`If-None-Match: ${etag}`)).toBe(304);
    expect(await statusOf('If-None-Match: "x"')).toBe(200);
    expect(await statusOf('If-Modified-Since: Sun, 02 Feb 2020 02:02:02 GMT')).toBe(304);
    expect(await statusOf('If-Modified-Since: Sun, 02 Feb 2020 02:02:01 GMT')).toBe(200);
    expect(await statusOf('If-Match: "x"')).toBe(412);
    expect(await statusOf(`If-Range: ${etag}`, 'Range: bytes=0-0')).toBe(206);
    expect(await statusOf('If-Range: "x"', 'Range: bytes=0-0')).toBe(200);
  });
});

describe('what the program says wins', () => {
  test('validators, type and the rest', async () => {
    const program = [
      'Content-Type: x/y',
      'ETag: "mine"',
      'Last-Modified: Mon, 03 Feb 2020 00:00:00 GMT',
      'Cache-Control: private',
      'Content-Disposition: attachment',
      'Set-Cookie: a=b',
    ];
    const { headers } = await sent({ program });
    expect(Object.fromEntries(headers)).toMatchObject({
      'content-type': 'x/y',
      etag: '"mine"',
      'last-modified': 'Mon, 03 Feb 2020 00:00:00 GMT',
      'cache-control': 'private',
      'content-disposition': 'attachment',
    });
    for (const fields of [['If-None-Match: "mine"'], ['If-Modified-Since: Mon, 03 Feb 2020 00:00:00 GMT']]) {
      const unmodified = await sent({ program, fields });
      expect(unmodified.status).toBe(304);
      expect(unmodified.headers.get('cache-control')).toBe('private');
      expect(unmodified.headers.get('set-cookie')).toBe('a=b');
      expect(unmodified.head).not.toMatch(/content-|accept-ranges|x-sendfile/i);
    }
    expect((await sent({ program, fields: ['If-Range: "mine"', 'Range: bytes=0-1'] })).status).toBe(206);
  });

  test('validators that are none match nothing', async () => {
    const program = ['Content-Type: x/y', 'ETag: mine', 'Last-Modified: yesterday'];
    for (const fields of [
      ['If-None-Match: mine'],
      ['If-None-Match: "mine"'],
      ['If-Modified-Since: Mon, 03 Feb 2020 00:00:00 GMT'],
      ['If-Range: mine', 'Range: bytes=0-1'],
    ])
      expect([fields, (await sent({ program, fields })).status]).toEqual([fields, 200]);
  });

  test('Accept-Ranges: none', async () => {
    const answer = await sent({
      program: ['Content-Type: a/b', 'Accept-Ranges: none'],
      fields: ['Range: bytes=0-1'],
    });
    expect(seen(answer)).toEqual([200, undefined, '100', CONTENT]);
    expect(answer.head.match(/accept-ranges: .*/gi)).toEqual(['Accept-Ranges: none']);
  });

  test('another status, or another method, is answered with the whole file', async () => {
    const fields = ['Range: bytes=0-1', 'If-None-Match: *'];
    const program = ['Status: 404 Gone Fishing', 'Content-Type: a/b', 'Content-Length: 7'];
    const missing = await sent({ program, fields });
    expect(seen(missing)).toEqual([404, undefined, '100', CONTENT]);
    expect(missing.head).toContain('HTTP/1.1 404 Gone Fishing');
    expect(seen(await sent({ method: 'POST', fields }))).toEqual([200, undefined, '100', CONTENT]);
  });

  test('the part that a program has chosen itself is chosen again: it fits what is sent', async () => {
    const program = ['Status: 206', 'Content-Type: a/b', 'Content-Range: bytes 0-4/100', 'Content-Length: 5'];
    expect(seen(await sent({ program, fields: ['Range: bytes=0-4'] }))).toEqual([
      206,
      'bytes 0-4/100',
      '5',
      '01234',
    ]);
    // Nobody has asked for a part.
    expect(seen(await sent({ program }))).toEqual([200, undefined, '100', CONTENT]);
  });

  test('304 and 204 have no body', async () => {
    for (const status of [204, 304]) {
      const answer = await sent({ program: [`Status: ${status}`] });
      expect([answer.status, answer.body.length, answer.headers.has('content-length')]).toEqual([
        status,
        0,
        false,
      ]);
    }
  });
});

describe('a file that changes while it is sent', () => {
  test.each([
    ['is written to', (file: string) => writeAt(file, 20_000_000, 'new')],
    ['shrinks', (file: string) => truncateSync(file, 20_000_000)],
  ])('%s: the body is cut off', async (_, change) => {
    const file = site.write('files/large.bin', Buffer.alloc(LARGE, 'old '));
    const target = site.output('large', `X-Sendfile: ${file}\nContent-Type: a/b\n\n`);
    const client = site.open(target, ['Range: bytes=4-'], { readPaused: true });
    // At once: a quick machine sends the whole within milliseconds.
    client.socket.once('data', () => client.socket.pause());
    client.socket.resume();
    await pollUntil(() => client.received.length > 0, { what: 'the beginning' });
    change(file);
    client.socket.resume();
    const answer = await client.answer();
    expect(answer.complete).toBe(false);
    expect(answer.body.equals(Buffer.alloc(answer.body.length, 'old '))).toBe(true);
    await site.logged(/XGI_HTTP_FILE_CHANGED/);
  });
});

function writeAt(file: string, position: number, text: string): void {
  const fd = openSync(file, 'r+');
  writeSync(fd, text, position);
  closeSync(fd);
}
