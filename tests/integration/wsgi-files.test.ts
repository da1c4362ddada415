/** Files as answers of a WSGI application: given with wsgi.file_wrapper, or named with X-Sendfile. */
import {
  closeSync,
  mkdirSync,
  openSync,
  realpathSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pollUntil } from '../support/poll.js';
import { makeTempDir, removeTempDir } from '../support/temp-dir.js';
import { type RawAnswer, request, WsgiClient } from '../support/wsgi-client.js';
import { type Site, startSite } from '../support/wsgi-site.js';

/** The query: what is given, a path; then fields of the application, with a line each. */
const MODULE = `
import os
from urllib.parse import parse_qsl

def app(environ, start_response):
    query = dict(parse_qsl(environ["QUERY_STRING"]))
    fields = [tuple(line.split(": ", 1)) for line in query.get("fields", "").splitlines()]
    start_response(query.get("status", "200 OK"), fields)
    how = environ["PATH_INFO"]
    if how == "/wrapped":
        file = open(query["file"], "rb")
        file.seek(int(query.get("seek", "0")))
        return environ["wsgi.file_wrapper"](file)
    if how == "/deleted":
        file = open(query["file"], "rb")
        os.unlink(query["file"])
        return environ["wsgi.file_wrapper"](file)
    if how == "/streams":
        return streams(int(query["count"]))
    return [] if how == "/empty" else [b"not this"]

def streams(count):
    try:
        for i in range(count):
            yield b"x" * 100_000
    finally:
        with open(os.path.join(os.environ["TEST_DIR"], "closed"), "a") as file:
            file.write("closed\\n")
`;
const CONTENT = '0123456789'.repeat(10);
const PAST = new Date('2020-02-02T02:02:02Z');
const LARGE = 24_000_000;
const MODIFIED = 'Last-Modified: Sun, 02 Feb 2020 02:02:02 GMT';

const folder = realpathSync(makeTempDir());
const inFolder = (name: string): string => path.join(folder, name);
let site: Site;

beforeAll(async () => {
  mkdirSync(inFolder('files'));
  for (const name of ['report.txt', 'files/report.txt']) {
    writeFileSync(inFolder(name), CONTENT);
    utimesSync(inFolder(name), PAST, PAST);
  }
  const modules = { 'gives_files.py': MODULE };
  site = await startSite({ target: 'gives_files:app', modules, sendfileRoots: [inFolder('files')] });
});
afterAll(async () => {
  await site.stop();
  removeTempDir(folder);
});

interface Asked {
  readonly how?: string;
  readonly program?: readonly string[];
  readonly query?: Readonly<Record<string, string>>;
  readonly fields?: readonly string[];
  readonly method?: string;
}

function targetOf({ how = '/wrapped', program = [], query = {} }: Asked): string {
  const given = { file: inFolder('report.txt'), fields: program.join('\n'), ...query };
  return `${how}?${new URLSearchParams(given).toString()}`;
}

function ask(asked: Asked, port = site.port): Promise<RawAnswer> {
  const { fields = [], method = 'GET' } = asked;
  return request(port, targetOf(asked), { method, headers: [...fields] });
}

function seen({ status, headers, body }: RawAnswer) {
  return [status, headers.get('content-range'), headers.get('content-length'), body.toString()];
}

const WHOLE = [200, undefined, '100', CONTENT];

describe('wsgi.file_wrapper: all of a file, with a validator', () => {
  test.each([
    [['Content-Type: a/b', MODIFIED]],
    [['Content-Type: a/b', 'ETag: "mine"']],
    [['Content-Type: a/b', 'ETag: "mine"', 'Content-Length: 100']],
  ])('%j: ranges', async (program) => {
    const whole = await ask({ program });
    expect(seen(whole)).toEqual(WHOLE);
    expect(whole.headers.get('accept-ranges')).toBe('bytes');
    expect(seen(await ask({ program, fields: ['Range: bytes=5-9'] }))).toEqual([
      206,
      'bytes 5-9/100',
      '5',
      '56789',
    ]);
    expect((await ask({ program, fields: ['Range: bytes=100-'] })).status).toBe(416);
    expect((await ask({ program, fields: ['Range: bytes=0-0,99-99'] })).headers.get('content-type')).toMatch(
      /^multipart\/byteranges/,
    );
    // The connection goes on: the worker has ended its answers.
    const client = new WsgiClient(site.port);
    client.send(`GET ${targetOf({ program })} HTTP/1.1\r\nHost: a\r\nRange: bytes=-1\r\n\r\n`.repeat(2));
    expect((await client.answer()).body.toString()).toBe('9');
    expect((await client.answer()).body.toString()).toBe('9');
    client.close();
  });

  test('If-Range and preconditions, by what the application says', async () => {
    const program = ['ETag: "mine"', MODIFIED, 'Set-Cookie: a=b'];
    const statusOf = async (...fields: string[]) => (await ask({ program, fields })).status;
    expect(await statusOf('If-Range: "mine"', 'Range: bytes=0-0')).toBe(206);
    expect(await statusOf('If-Range: "other"', 'Range: bytes=0-0')).toBe(200);
    expect(await statusOf('If-None-Match: "mine"')).toBe(304);
    expect(await statusOf('If-Match: "other"')).toBe(412);
    expect(await statusOf(MODIFIED.replace('Last-Modified', 'If-Modified-Since'))).toBe(304);
  });
});

describe('wsgi.file_wrapper: what the application has decided stands', () => {
  const fields = ['Range: bytes=0-1', 'If-None-Match: *'];

  test('without a validator, parts of two versions would look like one', async () => {
    const answer = await ask({ program: ['Content-Type: a/b'], fields });
    expect(seen(answer)).toEqual(WHOLE);
    for (const name of ['etag', 'last-modified', 'accept-ranges'])
      expect([name, answer.headers.get(name)]).toEqual([name, undefined]);
  });

  test.each<[string, Asked, readonly (string | number | undefined)[]]>([
    ['another status', { query: { status: '404 Gone Fishing' } }, [404, undefined, '100', CONTENT]],
    ['a length', { program: [MODIFIED, 'Content-Length: 7'] }, [200, undefined, '7', '0123456']],
    ['a place', { query: { seek: '95' } }, [200, undefined, '5', '56789']],
    ['no ranges', { program: ['ETag: "a"', 'Accept-Ranges: none'], fields: ['Range: bytes=0-1'] }, WHOLE],
    ['a method', { method: 'POST' }, WHOLE],
    [
      'a part of its own',
      {
        program: ['ETag: "a"', 'Content-Range: bytes 10-14/100', 'Content-Length: 5'],
        query: { status: '206 Partial Content', seek: '10' },
      },
      [206, 'bytes 10-14/100', '5', '01234'],
    ],
  ])('%s', async (_, asked, expected) => {
    expect(seen(await ask({ program: [MODIFIED], fields, ...asked }))).toEqual(expected);
  });
});

describe('wsgi.file_wrapper: a file that changes while it is sent', () => {
  test.each([
    ['is written to', [], (file: string) => writeAt(file, 20_000_000)],
    ['is written to, with ranges', [MODIFIED], (file: string) => writeAt(file, 20_000_000)],
    ['shrinks', [], (file: string) => truncateSync(file, 20_000_000)],
    ['is appended to', [], (file: string) => writeFileSync(file, 'more', { flag: 'a' })],
  ])('%s: the body is cut off', async (_, program, change) => {
    const file = inFolder('large.bin');
    writeFileSync(file, Buffer.alloc(LARGE, 'old '));
    const client = new WsgiClient(site.port);
    // At once: a quick machine sends the whole within milliseconds.
    client.socket.once('data', () => client.socket.pause());
    client.send(`GET ${targetOf({ program, query: { file } })} HTTP/1.1\r\nHost: a\r\n\r\n`);
    await pollUntil(() => client.received.length > 0, { what: 'the beginning' });
    change(file);
    client.socket.resume();
    const answer = await client.answer();
    expect(answer.complete).toBe(false);
    expect(answer.body.equals(Buffer.alloc(answer.body.length, 'old '))).toBe(true);
    await site.log.waitFor(/XGI_HTTP_FILE_CHANGED|written to while it was being sent/);
  });
});

describe('X-Sendfile', () => {
  const named = `X-Sendfile: ${inFolder('files/report.txt')}`;

  test('the file is sent as a static file is, and the field is not passed on', async () => {
    const program = [named, 'Cache-Control: private', 'Content-Length: 8'];
    const answer = await ask({ how: '/named', program });
    expect(seen(answer)).toEqual(WHOLE);
    expect(answer.head).not.toMatch(/sendfile/i);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-type': 'text/plain; charset=utf-8',
      'last-modified': MODIFIED.slice(15),
      'cache-control': 'private',
    });
    expect(seen(await ask({ how: '/named', program, fields: ['Range: bytes=-2'] }))).toEqual([
      206,
      'bytes 98-99/100',
      '2',
      '89',
    ]);
    const etag = `If-None-Match: ${answer.headers.get('etag')}`;
    expect((await ask({ how: '/named', program, fields: [etag] })).status).toBe(304);
    const head = await ask({ how: '/named', program: [named], method: 'HEAD' });
    expect([head.headers.get('content-length'), head.body.length]).toEqual(['100', 0]);
  });

  test('the part that the application has chosen is chosen again', async () => {
    // As Flask with USE_X_SENDFILE does: the length is that of a body which it does not give.
    const program = [named, 'ETag: "a"', 'Content-Range: bytes 0-4/100', 'Content-Length: 5'];
    const query = { status: '206 PARTIAL CONTENT' };
    expect(seen(await ask({ how: '/empty', program, query, fields: ['Range: bytes=0-4'] }))).toEqual([
      206,
      'bytes 0-4/100',
      '5',
      '01234',
    ]);
  });

  test('a body of the application is dropped, however long', async () => {
    const answer = await ask({ how: '/streams', program: [named], query: { count: '50' } });
    expect(seen(answer)).toEqual(WHOLE);
    await pollUntil(() => site.lines('closed').length > 0, { what: 'the iterable to be closed' });
  });

  test('a file given beside the one that is named is dropped', async () => {
    const answer = await ask({ program: [named], query: { seek: '1' } });
    expect(seen(answer)).toEqual(WHOLE);
  });

  test('with 304 there is none', async () => {
    const answer = await ask({ how: '/named', program: [named], query: { status: '304 Not Modified' } });
    expect([answer.status, answer.body.length]).toEqual([304, 0]);
    expect(answer.head).not.toMatch(/sendfile/i);
  });

  test.each([
    ['outside', [`X-Sendfile: ${inFolder('report.txt')}`]],
    ['a way out', [`X-Sendfile: ${inFolder('files')}/../report.txt`]],
    ['relative', ['X-Sendfile: report.txt']],
    ['missing', [`X-Sendfile: ${inFolder('files/nothing')}`]],
    ['two', [named, named]],
  ])('%s: refused', async (_, program) => {
    for (const how of ['/named', '/streams']) {
      const answer = await ask({ how, program, query: { count: '3' } });
      expect(answer.status).toBe(500);
      expect(answer.head + answer.body.toString()).not.toMatch(/X-Sendfile|report|01234/);
    }
    await site.log.waitFor(/XGI_SENDFILE_REFUSED/);
    expect((await ask({ program: [] })).status).toBe(200);
  });

  test('without a folder that is declared for it the field is one like any other', async () => {
    const other = await startSite({ target: 'gives_files:app', modules: { 'gives_files.py': MODULE } });
    try {
      const answer = await ask({ how: '/named', program: [named] }, other.port);
      expect([answer.body.toString(), answer.headers.get('x-sendfile')]).toEqual([
        'not this',
        named.slice(12),
      ]);
    } finally {
      await other.stop();
    }
  });
});

function writeAt(file: string, position: number): void {
  const fd = openSync(file, 'r+');
  writeSync(fd, 'new', position);
  closeSync(fd);
}
