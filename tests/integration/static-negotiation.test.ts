import { chmodSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { StaticFolder } from '../support/static-folder.js';

const folder = new StaticFolder({
  'index.html': 'application',
  '404.html': 'lost',
  'gone.html': 'not this way',
  'a.js': 'plain',
  'a.js.br': 'as brotli',
  'a.js.zst': 'as zstd',
  'a.js.gz': 'as gzip',
  'b.js': 'plain b',
  'b.js.gz': 'gzip b',
  'c.bin': Buffer.alloc(300_000, 'c'),
  'c.bin.gz': 'small',
  'list/10.txt': 'ten',
  'list/9.txt': 'nine',
  'list/.hidden': '',
  'list/<b>&"\'.txt': 'signs',
  'list/\u00fc.txt': 'umlaut',
  'list/deep/x': '',
});

beforeAll(() => {
  mkdirSync(path.join(folder.root, 'empty'));
  folder.link('list/out', '/etc/passwd');
  folder.link('list/in', '10.txt');
});
afterAll(() => folder.remove());

describe('files that lie compressed beside the file', () => {
  test.each([
    ['/a.js', undefined, null, 'plain'],
    ['/a.js', 'gzip, br, zstd', 'br', 'as brotli'],
    ['/a.js', 'gzip, zstd', 'zstd', 'as zstd'],
    ['/a.js', 'gzip', 'gzip', 'as gzip'],
    ['/a.js', 'gzip;q=1, br;q=0.1', 'gzip', 'as gzip'],
    ['/a.js', 'br;q=0, *', 'zstd', 'as zstd'],
    ['/a.js', 'deflate', null, 'plain'],
    ['/b.js', 'br, gzip', 'gzip', 'gzip b'],
    ['/c.bin', 'gzip', 'gzip', 'small'],
  ])('%s, Accept-Encoding: %s', async (target, accept, coding, content) => {
    const { get } = await folder.serve({ precompressed: true });
    const fields = accept === undefined ? [] : [`Accept-Encoding: ${accept}`];
    for (let i = 0; i < 2; i++) {
      const { status, headers, body } = await get(target, fields);
      expect([status, body.toString(), headers.get('content-encoding') ?? null]).toEqual([
        200,
        content,
        coding,
      ]);
      expect(headers.get('vary')).toBe('Accept-Encoding');
      if (target.endsWith('.js')) expect(headers.get('content-type')).toBe('text/javascript; charset=utf-8');
    }
  });

  test('each has a tag of its own, and ranges of its own', async () => {
    const { get } = await folder.serve({ precompressed: true });
    const plain = (await get('/a.js')).headers.get('etag');
    const coded = await get('/a.js', ['Accept-Encoding: br', 'Range: bytes=3-8']);
    expect([coded.status, coded.body.toString()]).toEqual([206, 'brotli']);
    expect(coded.headers.get('etag')).not.toBe(plain);
    expect((await get('/a.js', ['Accept-Encoding: br', `If-None-Match: ${plain}`])).status).toBe(200);
    expect((await get('/c.bin')).body).toHaveLength(300_000);
  });

  test('a form that cannot be read is as if it were not there', async () => {
    const isRoot = process.geteuid!() === 0;
    for (const size of [10, 300_000]) {
      folder.write('closed.js', Buffer.alloc(size, 'c'));
      chmodSync(folder.write('closed.js.br', Buffer.alloc(size)), 0);
      folder.write('closed.js.gz', 'as gzip');
      const { get } = await folder.serve({ precompressed: true });
      chmodSync(folder.directory, 0o755);
      // Root reads everything.
      if (isRoot) process.seteuid!(65_534);
      try {
        expect((await get('/closed.js', ['Accept-Encoding: gzip, br'])).body.toString()).toBe('as gzip');
        expect((await get('/closed.js', ['Accept-Encoding: br'])).body).toHaveLength(size);
      } finally {
        if (isRoot) process.seteuid!(0);
        chmodSync(path.join(folder.root, 'closed.js.br'), 0o600);
      }
    }
  });

  test('a file without has no Vary, and unless it is asked for, none is sent', async () => {
    const { get } = await folder.serve({ precompressed: true });
    expect((await get('/index.html', ['Accept-Encoding: br'])).headers.has('vary')).toBe(false);
    const plain = await folder.serve();
    const { headers, body } = await plain.get('/a.js', ['Accept-Encoding: br']);
    expect([body.toString(), headers.has('vary')]).toEqual(['plain', false]);
  });
});

describe('a single-page application', () => {
  const BROWSER = ['Accept: text/html,application/xhtml+xml,*/*;q=0.8'];

  test.each([
    ['/users/42', BROWSER, 200, true],
    ['/users/', BROWSER, 200, true],
    ['/users/42', ['Accept: */*'], 404, true],
    ['/users/42', ['Accept: application/json'], 404, true],
    ['/users/42', [], 404, true],
    ['/empty/', BROWSER, 200, true],
    ['/app.js', BROWSER, 404, false],
    ['/..%2fx', BROWSER, 404, false],
    ['/', BROWSER, 200, false],
    ['/index.html', [], 200, false],
  ])('%s, %j: %d; depends on Accept: %s', async (target, fields, expected, depends) => {
    const { get } = await folder.serve({ spa: '/index.html' });
    const { status, body, headers } = await get(target, fields);
    expect([status, body.toString()]).toEqual([expected, expected === 200 ? 'application' : 'lost']);
    expect(headers.get('vary')).toBe(depends ? 'Accept' : undefined);
    if (expected === 200)
      expect((await get(target, [...fields, `If-None-Match: ${headers.get('etag')}`])).status).toBe(304);
  });

  test("a path that a cache has kept for a browser is not for others: Vary on a 304, on xgi's own 404, beside Accept-Encoding", async () => {
    const own = await folder.serve({ spa: '/index.html', errorPages: new Map() });
    expect((await own.get('/users/42')).headers.get('vary')).toBe('Accept');
    const unmodified = await own.get('/users/42', [...BROWSER, 'If-None-Match: *']);
    expect([unmodified.status, unmodified.headers.get('vary')]).toEqual([304, 'Accept']);
    const coded = await folder.serve({ spa: '/a.js', precompressed: true });
    for (let i = 0; i < 2; i++)
      expect((await coded.get('/users/42', BROWSER)).headers.get('vary')).toBe('Accept, Accept-Encoding');
    expect((await coded.get('/a.js', BROWSER)).headers.get('vary')).toBe('Accept-Encoding');
  });

  test('without its file, nothing depends on Accept', async () => {
    const { get } = await folder.serve({ spa: '/none.html' });
    const { status, headers } = await get('/users/42', BROWSER);
    expect([status, headers.has('vary')]).toEqual([404, false]);
  });
});

describe('error pages', () => {
  test('404.html answers for what is not there, with a 404 and no validators', async () => {
    const { get, log } = await folder.serve();
    for (let i = 0; i < 2; i++) {
      const { status, headers, body } = await get('/missing', ['Range: bytes=0-1', 'If-None-Match: *']);
      expect([status, body.toString()]).toEqual([404, 'lost']);
      expect(headers.get('content-type')).toBe('text/html; charset=utf-8');
      expect(headers.has('etag')).toBe(false);
    }
    expect((await get('/missing', [], 'HEAD')).status).toBe(404);
    expect((await get('/404.html')).status).toBe(200);
    expect(log).toEqual([]);
  });

  test('others by status; one that is not there is done without', async () => {
    const { get } = await folder.serve({
      errorPages: new Map([
        [405, '/gone.html'],
        [404, '/no-such-page.html'],
      ]),
    });
    const { status, headers, body } = await get('/', [], 'DELETE');
    expect([status, body.toString(), headers.get('allow')]).toEqual([
      405,
      'not this way',
      'GET, HEAD, OPTIONS',
    ]);
    expect((await get('/missing')).body.toString()).toContain('XGI_STATIC_NOT_FOUND');
  });
});

describe('a listing', () => {
  test('as a page: folders first, by name and number, nothing hidden and nothing from outside', async () => {
    const { get } = await folder.serve({ listing: true });
    const { status, headers, body } = await get('/list/');
    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
    const names = [...body.toString().matchAll(/<a href="([^"]*)">/g)].map((match) => match[1]);
    expect(names).toEqual(['../', 'deep/', '%3cb%3e%26%22%27.txt', '9.txt', '10.txt', 'in', '%c3%bc.txt']);
    for (const name of names.slice(2)) expect((await get(`/list/${name}`)).status).toBe(200);
    expect(body.toString()).toContain('\u00fc.txt');
  });

  test('as JSON, for those who prefer it', async () => {
    const { get } = await folder.serve({ listing: true });
    const { headers, body } = await get('/list/', ['Accept: application/json']);
    expect(headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(headers.get('vary')).toBe('Accept');
    const files = JSON.parse(body.toString()) as { name: string }[];
    expect(files.map(({ name }) => name)).toEqual([
      'deep',
      '<b>&"\'.txt',
      '9.txt',
      '10.txt',
      'in',
      '\u00fc.txt',
    ]);
    expect(files[3]).toEqual({
      name: '10.txt',
      type: 'file',
      size: 3,
      modified: expect.stringMatching(/Z$/),
    });
    expect(files[0]).toEqual({ name: 'deep', type: 'directory', size: null, modified: null });
  });

  test('of an empty folder; of one with an index, the index; by default none', async () => {
    const { get } = await folder.serve({ listing: true, mount: '/m' });
    expect((await get('/m/empty/')).body.toString()).toContain('<h1>/m/empty/</h1>');
    expect((await get('/m/')).body.toString()).toBe('application');
    expect((await get('/m/empty')).headers.get('location')).toBe('/m/empty/');
    expect((await (await folder.serve()).get('/list/')).status).toBe(404);
  });
});
