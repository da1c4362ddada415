import { createHash } from 'node:crypto';
import { readFileSync, renameSync } from 'node:fs';
import path from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { ConfigError, GatewayError } from '../../../src/errors.js';
import { deriveRequest } from '../../../src/http/derived-request.js';
import { ResponseHead } from '../../../src/http/response-head.js';
import { accessLog } from '../../../src/middleware/access-log.js';
import { basicAuth } from '../../../src/middleware/basic-auth.js';
import { mount } from '../../../src/middleware/mount.js';
import { reopenLogFiles } from '../../../src/observe/log-file.js';
import type { Handler, Middleware } from '../../../src/types.js';
import { RawClient } from '../../support/http-client.js';
import { answer, hello, streamed, TestSource } from '../../support/http-server.js';
import { startMiddleware } from '../../support/middleware-site.js';
import { makeTempDir } from '../../support/temp-dir.js';

type Options = Omit<Parameters<typeof accessLog>[0] & object, 'file'>;

let file: string;

beforeEach(() => {
  file = path.join(makeTempDir(), 'access.log');
});

/** What is in the log at the end. */
async function logOf(
  options: Options,
  run: (url: string, port: number) => Promise<void>,
  {
    outside = [],
    inside = [],
    handler = hello,
  }: { outside?: Middleware[]; inside?: Middleware[]; handler?: Handler } = {},
): Promise<string> {
  const log = accessLog({ file, ...options });
  const { url, port } = await startMiddleware([...outside, log, ...inside], handler);
  await run(url, port);
  await log.close!();
  return readFileSync(file, 'utf8');
}

const ask = async (url: string, init: RequestInit = {}): Promise<void> => {
  await (await fetch(url, init)).arrayBuffer();
};

test('a line for each request, in the format of the server’s log', async () => {
  const text = await logOf({}, async (url) => ask(`${url}/a?b=c`, { headers: { 'User-Agent': 'me' } }));
  expect(text).toMatch(/^127\.0\.0\.1 - - \[[^\]]+\] "GET \/a\?b=c HTTP\/1\.1" 200 5 "-" "me"\n$/);
});

test('as JSON, with what other middleware has made of request and answer, outside and inside', async () => {
  const outside: Middleware = (next) => async (request) => {
    const { head } = await next(deriveRequest(request, { id: 'id-of-ours' }));
    return {
      head: new ResponseHead(203, [...head.fields, 'Content-Type', 'text/plain']),
      body: { kind: 'bytes', bytes: 'changed!' },
    };
  };
  const text = await logOf({ format: 'json' }, async (url) => ask(url), { outside: [outside] });
  expect(JSON.parse(text)).toMatchObject({
    id: 'id-of-ours',
    status: 203,
    bodyBytes: 8,
    contentType: 'text/plain',
    aborted: false,
  });
});

test('the user, behind an authentication; refused ones do not come by', async () => {
  const users = { ada: `{SHA}${createHash('sha1').update('x').digest('base64')}` };
  const run = async (url: string): Promise<void> => {
    await ask(url);
    await ask(url, { headers: { Authorization: `Basic ${Buffer.from('ada:x').toString('base64')}` } });
  };
  expect(await logOf({ format: '%u %s' }, run, { outside: [basicAuth({ users })] })).toBe('ada 200\n');
});

describe('the user in a log that stands outside of the authentication', () => {
  const sha = `{SHA}${createHash('sha1').update('x').digest('base64')}`;
  const asUser = (name: string, password = 'x') => ({
    headers: { Authorization: `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}` },
  });
  const users = { ada: sha, Zoë: sha, 'a"b\\ c\u2028': sha };

  test('as JSON, text of any kind; null for who is only said to be somebody', async () => {
    const run = async (url: string): Promise<void> => {
      await ask(url);
      await ask(url, asUser('ada'));
      await ask(url, asUser('ada', 'wrong'));
      await ask(url, asUser('Zoë'));
      await ask(url, asUser('a"b\\ c\u2028'));
    };
    const text = await logOf({ format: 'json' }, run, { inside: [basicAuth({ users })] });
    expect(text).toMatch(/^[\x20-\x7e\n]+$/);
    const lines = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { user: unknown; status: number });
    expect(lines.map(({ user, status }) => [user, status])).toEqual([
      [null, 401],
      ['ada', 200],
      [null, 401],
      ['Zoë', 200],
      ['a"b\\ c\u2028', 200],
    ]);
  });

  test('as %u, whatever has found it out; the last word counts', async () => {
    const is =
      (user: string | null): Middleware =>
      (next) =>
      (request) =>
        next(deriveRequest(request, { identity: user === null ? null : { scheme: 'Own', user } }));
    const log = async (...inside: Middleware[]) =>
      await logOf({ format: '%u' }, async (url) => await ask(url), { inside });
    expect(await log(is('bob'))).toBe('bob\n');
    expect(await log(is('bob'), is('eve mallory\n"'))).toBe('bob\neve\\x20mallory\\x0A\\x22\n');
    expect(await log(is('bob'), is(null))).toBe('bob\neve\\x20mallory\\x0A\\x22\n-\n');
  });

  test('of an application that throws, and behind a mount', async () => {
    const handler: Handler = () => {
      throw new TypeError('bug');
    };
    const run = async (url: string): Promise<void> => await ask(`${url}/shop/x`, asUser('ada'));
    const inside = [mount({ path: '/shop' }), basicAuth({ users })];
    expect(JSON.parse(await logOf({ format: 'json' }, run, { inside, handler }))).toMatchObject({
      user: 'ada',
      status: 500,
    });
  });
});

test('errors that the application throws, and the answers of middleware inside', async () => {
  const early: Middleware = (next) => (request) =>
    request.path === '/early' ? answer('no', 402) : next(request);
  const handler: Handler = ({ path: asked }) => {
    if (asked === '/throws') throw new GatewayError(418, 'XGI_TEST', 'teapot');
    return Promise.reject(new Error('bug'));
  };
  const run = async (url: string): Promise<void> => {
    for (const asked of ['/early', '/throws', '/rejects']) await ask(url + asked);
  };
  expect(await logOf({ format: '%U %s' }, run, { inside: [early], handler })).toBe(
    '/early 402\n/throws 418\n/rejects 500\n',
  );
});

test('a stream, at its end; one that the client leaves, as such', async () => {
  const source = new TestSource((sink) => sink.data(Buffer.from('12345')));
  const log = accessLog({ file, format: 'json' });
  const { port } = await startMiddleware([log], () => streamed(source));
  const client = await RawClient.connect(port);
  await client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n').untilText('12345');
  client.reset();
  await vi.waitFor(() => expect(source.cancelled).toBe(1));
  await log.close!();
  expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ status: 200, aborted: true });
});

test('closed by a reload, it still writes the line of an answer that goes on', async () => {
  const source = new TestSource((sink) => sink.data(Buffer.from('1')));
  const log = accessLog({ file, format: '%s %B' });
  const { port } = await startMiddleware([log], () => streamed(source));
  const client = await RawClient.connect(port);
  await client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n').untilText('\r\n1\r\n');
  await log.close!();
  expect(readFileSync(file, 'utf8')).toBe('');
  source.sink!.data(Buffer.from('23'));
  source.sink!.end();
  await client.response();
  await vi.waitFor(() => expect(readFileSync(file, 'utf8')).toBe('200 3\n'));
});

test('skips what it is told to', async () => {
  const handler: Handler = ({ path: asked }) =>
    answer('', asked === '/health/down' ? 503 : asked === '/old' ? 404 : 200);
  const skip = [{ path: '/health', status: '2xx' }, { path: '/assets/*' }, { status: 404 }];
  const paths = [
    '/health',
    '/health/down',
    '/healthy',
    '/assets/a/b',
    '/%61ssets/c',
    '/assets',
    '/old',
    '/',
    '/assets/%2f',
  ];
  const run = async (url: string): Promise<void> => {
    for (const asked of paths) await ask(url + asked);
  };
  const text = await logOf({ format: '%U', skip }, run, { handler });
  expect(text).toBe('/health/down\n/healthy\n/assets\n/\n/assets/%2f\n');
});

test('two logs of one request each have a line, of what each sees', async () => {
  const other = `${file}2`;
  const inner = accessLog({ file: other, format: '%U' });
  const below: Middleware = (next) => (request) => next(deriveRequest(request, { path: '/inner' }));
  expect(await logOf({ format: '%U' }, async (url) => ask(`${url}/outer`), { inside: [below, inner] })).toBe(
    '/outer\n',
  );
  await inner.close!();
  expect(readFileSync(other, 'utf8')).toBe('/inner\n');
});

test('a rotation takes it along with the server’s own', async () => {
  const log = accessLog({ file, format: '%U' });
  onTestFinished(() => log.close!());
  const { url } = await startMiddleware([log], hello);
  await ask(`${url}/one`);
  await vi.waitFor(() => expect(readFileSync(file, 'utf8')).toBe('/one\n'), { timeout: 5000 });
  renameSync(file, `${file}.1`);
  reopenLogFiles();
  await ask(`${url}/two`);
  await vi.waitFor(() => expect(readFileSync(file, 'utf8')).toBe('/two\n'), { timeout: 5000 });
});

describe('is refused', () => {
  test.each([
    ['no file', {}, 'accessLog.file: expected a file'],
    ['a folder', { file: makeTempDir() }, 'EISDIR'],
    ['a file in a folder that is not there', { file: '/nowhere/access.log' }, 'there is no folder'],
    ['a format that is none', { file: '-', format: '%(nope)s' }, 'accessLog.format: expected gunicorn'],
    ['an empty rule', { file: '-', skip: [{}] }, 'an object with path, status or both'],
    ['a path that is none', { file: '-', skip: [{ path: 'health' }] }, 'a path, for example'],
    ['a status that is none', { file: '-', skip: [{ status: '20x' }] }, 'a status (404)'],
  ])('%s', (_what, options, message) => {
    expect(() => accessLog(options as Parameters<typeof accessLog>[0])).toThrow(ConfigError);
    expect(() => accessLog(options as Parameters<typeof accessLog>[0])).toThrow(message);
  });
});
