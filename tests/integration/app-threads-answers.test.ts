/** What a handler in a thread may answer with, as it may in the gateway: files, early hints, trailers; and what cannot leave a thread. */
import { readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { deriveRequest } from '../../src/http/derived-request.js';
import { app } from '../../src/library/applications.js';
import { createServer, type GatewayServer } from '../../src/library/gateway-server.js';
import type { Middleware } from '../../src/types.js';
import { RawClient } from '../support/http-client.js';
import { pollUntil } from '../support/poll.js';
import { makeTempDir, removeTempDir } from '../support/temp-dir.js';
import { MemoryLog } from '../support/wsgi-site.js';

const FILE_BYTES = 3_000_000;
const directory = makeTempDir();

const APP = `
import { appendFileSync, existsSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { GatewayError, iterableBody, LocalProtocolError, ResponseHead } from 'xgi';

const odd = () => 1;
const empty = { kind: 'empty' };
const note = (line) => appendFileSync(${JSON.stringify(path.join(directory, 'notes'))}, line + '\\n');
const trailing = (names, fields) => ({
  head: new ResponseHead(200),
  body: iterableBody([Buffer.from('hello')], { trailers: { names, fields } }),
});

async function* endless() {
  try {
    for (;;) {
      yield Buffer.from('x');
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  } finally {
    note('cancelled');
  }
}

const ANSWERS = {
  async '/file'() {
    const pieces = ['<', { offset: 10, length: ${FILE_BYTES - 10} }, '>'];
    return { head: new ResponseHead(200), body: { kind: 'file', file: { handle: await open(${JSON.stringify(path.join(directory, 'file'))}), pieces } } };
  },
  '/inform'(request) {
    request.inform(new ResponseHead(103, ['Link', '</a.css>; rel=preload']));
    return { head: new ResponseHead(204), body: empty };
  },
  '/inform-200'(request) {
    request.inform(new ResponseHead(200));
    return { head: new ResponseHead(204), body: empty };
  },
  '/trailers': () => trailing(['X-Sum'], () => ['X-Sum', '5']),
  '/trailers-none': () => trailing(['X-Sum'], () => []),
  '/trailers-throw': () => trailing(['X-Sum'], () => { throw new Error('no sum'); }),
  '/trailers-other': () => trailing(['X-Sum'], () => ['X-Other', '5']),
  '/local'() {
    throw new LocalProtocolError('XGI_TEST_LOCAL', 'test');
  },

  '/odd/field': () => ({ head: Object.assign(new ResponseHead(200), { fields: ['X-A', odd] }), body: empty }),
  '/odd/reason': () => ({ head: Object.assign(new ResponseHead(200), { reason: odd }), body: empty }),
  '/odd/stream': () => ({ head: Object.assign(new ResponseHead(200), { reason: odd }), body: iterableBody(endless()) }),
  '/odd/bytes': () => ({ head: Object.assign(new ResponseHead(200), { reason: odd }), body: { kind: 'bytes', bytes: Buffer.from('a') } }),
  '/odd/error'() {
    throw new GatewayError(503, 'XGI_TEST', 'test', { fields: ['X-A', odd] });
  },
  '/odd/detail'() {
    throw new GatewayError(503, 'XGI_TEST', 'test', { detail: odd });
  },
  '/odd/names': () => trailing([odd], () => []),
  '/odd/trailer': () => trailing(['X-Sum'], () => ['X-Sum', odd]),
  '/odd/inform'(request) {
    request.inform(Object.assign(new ResponseHead(103), { fields: ['X-A', odd] }));
    return { head: new ResponseHead(204), body: empty };
  },

  async '/wait'() {
    return { head: new ResponseHead(200), body: iterableBody(waited()) };
  },
  '/variables': (request) => ({ head: new ResponseHead(200), body: { kind: 'bytes', bytes: request.variables.join() } }),
};

async function* waited() {
  yield Buffer.from('begun');
  while (!existsSync(${JSON.stringify(path.join(directory, 'go'))})) await new Promise((resolve) => setTimeout(resolve, 5));
  yield Buffer.from(', ended');
}

export default (request) => ANSWERS[request.path](request);
`;

const log = new MemoryLog();
let server: GatewayServer;
let port: number;
let origin: string;
let middleware: Middleware = (next) => next;

beforeAll(async () => {
  writeFileSync(path.join(directory, 'app.mjs'), APP);
  writeFileSync(path.join(directory, 'file'), 'abcdefghij'.repeat(FILE_BYTES / 10));
  const current: Middleware = (next) => (request) => middleware(next)(request);
  server = createServer({
    bind: ['127.0.0.1:0'],
    handler: app('app.mjs', { chdir: directory, workers: 1, log }),
    middleware: [current],
    log,
  });
  [origin = ''] = await server.listen();
  port = Number(new URL(origin).port);
});
afterAll(async () => {
  await server.close(0);
  removeTempDir(directory);
});
beforeEach(() => {
  log.records.length = 0;
  middleware = (next) => next;
});

async function get(target: string, init: RequestInit = {}): Promise<string> {
  const response = await fetch(`${origin}${target}`, { signal: AbortSignal.timeout(5000), ...init });
  return `${response.status} ${await response.text()}`;
}

/** Of a client that takes trailers; the connection is closed behind it. */
async function raw(target: string): Promise<string> {
  const client = await RawClient.connect(port);
  client.send(`GET ${target} HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: TE, close\r\n\r\n`);
  return await client.rest();
}

test('a file: its pieces, one after the other, and it is closed', async () => {
  const file = path.join(directory, 'file');
  const open = (): string[] =>
    readdirSync('/proc/self/fd').flatMap((fd) => {
      try {
        return [readlinkSync(`/proc/self/fd/${fd}`)].filter((name) => name === file);
      } catch {
        return [];
      }
    });
  const text = await get('/file');
  expect(text.length).toBe('200 <>'.length + FILE_BYTES - 10);
  expect(text).toMatch(/^200 <abcdefghij/);
  expect(text.endsWith('abcdefghij>')).toBe(true);
  expect(await get('/file', { method: 'HEAD' })).toBe('200 ');
  const client = await RawClient.connect(port);
  client.send('GET /file HTTP/1.1\r\nHost: a\r\n\r\n');
  await client.untilText('\r\n\r\n');
  client.reset();
  await pollUntil(() => open().length === 0);
});

test('early hints, before the answer; what is no interim head is an error', async () => {
  expect(await raw('/inform')).toMatch(
    /^HTTP\/1\.1 103 [^]*Link: <\/a\.css>; rel=preload\r\n\r\nHTTP\/1\.1 204 /,
  );
  expect(await get('/inform-200')).toMatch(/^502 [^]*XGI_HTTP_BAD_RESPONSE_HEAD/);
});

describe('trailers', () => {
  test('are announced, and sent', async () => {
    const text = await raw('/trailers');
    expect(text).toContain('\r\nTrailer: X-Sum\r\n');
    expect(text.endsWith('\r\n5\r\nhello\r\n0\r\nX-Sum: 5\r\n\r\n')).toBe(true);
    expect(await raw('/trailers-none')).toMatch(/hello\r\n0\r\n\r\n$/);
  });

  test.each(['/trailers-throw', '/trailers-other'])(
    'that cannot be sent truncate the body: %s',
    async (target) => {
      expect(await raw(target)).toMatch(/\r\nhello\r\n$/);
      expect(log.records).toHaveLength(1);
      // Nobody asks for them here.
      expect(await get(target)).toBe('200 hello');
    },
  );
});

test('an error keeps its status', async () => {
  expect(await get('/local')).toMatch(/^502 [^]*XGI_TEST_LOCAL/);
});

describe('what cannot leave the thread', () => {
  test.each([
    '/odd/field',
    '/odd/reason',
    '/odd/stream',
    '/odd/bytes',
    '/odd/error',
    '/odd/names',
    '/odd/inform',
  ])('is a 500, of that request alone: %s', async (target) => {
    rmSync(path.join(directory, 'go'), { force: true });
    const client = await RawClient.connect(port);
    client.send('GET /wait HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    await client.untilText('begun');
    const answers = await Promise.all([get(target), get('/trailers'), get(target), get('/trailers')]);
    const failure = expect.stringMatching(/^500 [^]*XGI_APP_RESPONSE/);
    expect(answers).toEqual([failure, '200 hello', failure, '200 hello']);
    writeFileSync(path.join(directory, 'go'), '');
    expect(await client.rest()).toContain(', ended');
    expect(log.matching(/could not be cloned/)).toHaveLength(2);
    expect(log.records).toHaveLength(2);
  });

  test('an error whose detail is no text is told without it', async () => {
    expect(await get('/odd/detail')).toMatch(/^500 [^]*XGI_APP_RAISED/);
    expect(log.matching(/XGI_APP_RAISED: .* threw GatewayError: test/)).toHaveLength(1);
    expect(log.records).toHaveLength(1);
  });

  test('a stream behind such a head is let go of', async () => {
    const notes = path.join(directory, 'notes');
    writeFileSync(notes, '');
    expect(await get('/odd/stream')).toContain('500 ');
    await pollUntil(() => readFileSync(notes, 'utf8') === 'cancelled\n');
  });

  test('trailers truncate the body', async () => {
    expect(await raw('/odd/trailer')).toMatch(/\r\nhello\r\n$/);
    expect(log.matching(/XGI_APP_RESPONSE: .*could not be cloned/)).toHaveLength(1);
    expect(await get('/trailers')).toBe('200 hello');
  });
});

test('what middleware has put into a request and cannot get into the thread fails that request alone', async () => {
  middleware = (next) => (request) =>
    next(
      request.path === '/variables'
        ? deriveRequest(request, { variables: ['A', (() => 1) as never] })
        : request,
    );
  const answers = await Promise.all([get('/variables'), get('/trailers'), get('/variables')]);
  const failure = expect.stringMatching(/^500 [^]*XGI_APP_REQUEST/);
  expect(answers).toEqual([failure, '200 hello', failure]);
  expect(log.matching(/could not be cloned/)).toHaveLength(2);
  const body = { method: 'POST', body: 'x'.repeat(1_000_000) };
  expect(await get('/variables', body)).toMatch(/^500 [^]*XGI_APP_REQUEST/);
  middleware = (next) => (request) => next(deriveRequest(request, { variables: ['A', 'b'] }));
  expect(await get('/variables')).toBe('200 A,b');
});
