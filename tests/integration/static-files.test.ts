import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { StaticFolder } from '../support/static-folder.js';

const LARGE = Buffer.alloc(300_000, 'large ');
const folder = new StaticFolder({
  'index.html': '<h1>home',
  'style.css': 'body {}',
  empty: '',
  'large.bin': LARGE,
  'deep/index.html': 'deep',
  'deep/home.htm': 'home',
  'bare/a.txt': 'a',
  '.well-known/security.txt': 'Contact: us',
  'gr\u00fc\u00dfe.txt': 'Hallo',
  'a b+c&d;e.txt': 'signs',
});

beforeAll(async () => {
  mkdirSync(path.join(folder.root, 'nothing'));
  folder.link('link.css', 'style.css');
  await folder.settled('a b+c&d;e.txt');
});
afterAll(() => folder.remove());

describe('GET', () => {
  test.each([
    ['/', '<h1>home', 'text/html; charset=utf-8'],
    ['/?query', '<h1>home', 'text/html; charset=utf-8'],
    ['/index.html', '<h1>home', 'text/html; charset=utf-8'],
    ['/style.css', 'body {}', 'text/css; charset=utf-8'],
    ['/st%79le.css', 'body {}', 'text/css; charset=utf-8'],
    ['/link.css', 'body {}', 'text/css; charset=utf-8'],
    ['/empty', '', 'application/octet-stream'],
    ['/large.bin', LARGE.toString(), 'application/octet-stream'],
    ['/deep/', 'deep', 'text/html; charset=utf-8'],
    ['/.well-known/security.txt', 'Contact: us', 'text/plain; charset=utf-8'],
    ['/gr%C3%BC%C3%9Fe.txt', 'Hallo', 'text/plain; charset=utf-8'],
    ['/a%20b+c&d;e.txt', 'signs', 'text/plain; charset=utf-8'],
  ])('%s', async (target, content, type) => {
    const { get } = await folder.serve();
    // From the disk, then from memory.
    for (let i = 0; i < 2; i++) {
      const { status, headers, body } = await get(target);
      expect(status).toBe(200);
      expect(body.toString()).toBe(content);
      expect(headers.get('content-type')).toBe(type);
      expect(headers.get('content-length')).toBe(String(content.length));
      expect(headers.get('accept-ranges')).toBe('bytes');
      expect(headers.get('etag')).toMatch(/^"[\w-]+"$/);
      expect(headers.get('last-modified')).toMatch(/ GMT$/);
      expect(['cache-control', 'vary', 'content-encoding'].filter((name) => headers.has(name))).toEqual([]);
    }
  });

  test.each([
    ['/missing', 'XGI_STATIC_NOT_FOUND'],
    ['/style.css/', 'XGI_STATIC_NOT_FOUND'],
    ['/style.css/more', 'XGI_STATIC_NOT_FOUND'],
    ['/bare/', 'XGI_STATIC_NOT_FOUND'],
    ['/STYLE.css', 'XGI_STATIC_NOT_FOUND'],
    ['//style.css', 'XGI_STATIC_NOT_FOUND'],
  ])('%s: 404', async (target, code) => {
    const { get } = await folder.serve();
    const { status, body } = await get(target);
    expect(status).toBe(404);
    expect(body.toString()).toContain(code);
    expect(body.toString()).not.toContain(folder.root);
  });

  test('a folder without its slash leads to it, with the query', async () => {
    const { get } = await folder.serve();
    const { status, headers } = await get('/deep?a=b');
    expect([status, headers.get('location')]).toEqual([301, '/deep/?a=b']);
  });

  test('several on one connection, sent ahead, in order', async () => {
    const { get, port } = await folder.serve();
    expect((await get('/')).status).toBe(200);
    const { WsgiClient } = await import('../support/wsgi-client.js');
    const client = new WsgiClient(port);
    const ask = (target: string) => `GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`;
    client.send(['/', '/large.bin', '/missing', '/style.css'].map(ask).join(''));
    const answers = [];
    for (let i = 0; i < 4; i++) answers.push((await client.answer()).body.length);
    client.close();
    expect([answers[0], answers[1], answers[3]]).toEqual([8, LARGE.length, 7]);
  });
});

describe('HEAD says what GET would, without a body', () => {
  test.each(['/', '/large.bin', '/empty'])('%s', async (target) => {
    const { get } = await folder.serve();
    const head = await get(target, [], 'HEAD');
    const whole = await get(target);
    const fields = ({ headers }: typeof head) => [...headers].filter(([name]) => name !== 'date');
    expect(head.status).toBe(200);
    expect(fields(head)).toEqual(fields(whole));
    expect(head.body).toHaveLength(0);
  });

  test('a Range of HEAD does not count', async () => {
    const { get } = await folder.serve();
    expect((await get('/', ['Range: bytes=0-1'], 'HEAD')).status).toBe(200);
  });
});

test.each(['POST', 'PUT', 'DELETE', 'PATCH', 'BREW', 'get'])('%s: 405, with Allow', async (method) => {
  const { get } = await folder.serve();
  const { status, headers } = await get('/', [], method);
  expect([status, headers.get('allow')]).toEqual([405, 'GET, HEAD, OPTIONS']);
});

test('OPTIONS: 204, with Allow', async () => {
  const { get } = await folder.serve();
  const { status, headers } = await get('/', [], 'OPTIONS');
  expect([status, headers.get('allow')]).toEqual([204, 'GET, HEAD, OPTIONS']);
});

describe('a mount', () => {
  test.each([
    ['/static/', 200, 'text/html; charset=utf-8'],
    ['/static/style.css', 200, 'text/css; charset=utf-8'],
    ['/stati%63/style.css', 200, 'text/css; charset=utf-8'],
    ['/static', 301, '/static/'],
    ['/static/deep', 301, '/static/deep/'],
    ['/style.css', 404, undefined],
    ['/statically/style.css', 404, undefined],
  ])('%s: %d', async (target, expected, detail) => {
    const { get } = await folder.serve({ mount: '/static' });
    const { status, headers } = await get(target);
    expect(status).toBe(expected);
    if (detail !== undefined)
      expect(headers.get(expected === 301 ? 'location' : 'content-type')).toBe(detail);
  });
});

test('other names of an index, the first that is there', async () => {
  const { get } = await folder.serve({ index: ['home.htm', 'index.html'] });
  expect((await get('/deep/')).body.toString()).toBe('home');
  expect((await get('/')).body.toString()).toBe('<h1>home');
});

test('Cache-Control by the first rule that fits, of a 304 too', async () => {
  const { get } = await folder.serve({
    cacheControl: [
      { pattern: '*.html', value: 'no-cache' },
      { pattern: '/', value: 'public, max-age=60' },
    ],
  });
  expect((await get('/')).headers.get('cache-control')).toBe('no-cache');
  expect((await get('/style.css')).headers.get('cache-control')).toBe('public, max-age=60');
  expect((await get('/large.bin')).headers.get('cache-control')).toBe('public, max-age=60');
  const unmodified = await get('/style.css', ['If-None-Match: *']);
  expect([unmodified.status, unmodified.headers.get('cache-control')]).toEqual([304, 'public, max-age=60']);
  // What is kept for a minute would be given to others.
  for (const fields of [['If-Match: "other"'], ['Range: bytes=100-']]) {
    const refused = await get('/style.css', fields);
    expect([refused.status >= 412, refused.headers.has('cache-control')]).toEqual([true, false]);
  }
});
