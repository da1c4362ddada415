/**
 * The answer to an error is made where nothing stands behind any more: an exception there was nobody's, and ended the process with all that it served,
 * also that of another server that xgi is mounted in. A page with a wrong Content-Length, or an error with such a field, was enough; any client that
 * asked for what is not there had it made.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { GatewayError } from '../../src/errors.js';
import { ResponseHead } from '../../src/http/response-head.js';
import { toFetch, toNodeListener } from '../../src/library/mounting.js';
import { answerWithHead } from '../../src/middleware/answer.js';
import { errorPages } from '../../src/middleware/error-pages.js';
import type { GatewayResponse, Handler, ResponseBody } from '../../src/types.js';
import { answer, startServer } from '../support/http-server.js';
import { connectHttp2, request as ask, startTlsServer } from '../support/tls-server.js';
import { MemoryLog } from '../support/wsgi-site.js';

const failing: Handler = async ({ path }) => {
  if (path === '/ok') return answer('next');
  throw new GatewayError(404, 'XGI_TEST', 'there is none');
};

function paged(page: { readonly head: ResponseHead; readonly body: unknown }): Handler {
  return errorPages({ pages: { '4xx': () => page as GatewayResponse } })(failing);
}

const bytes: ResponseBody = { kind: 'bytes', bytes: 'short' };
const trailers = { names: ['Content-Length'], fields: () => [] };
const source = { start: () => {}, taken: () => {}, cancel: () => {} };

const CASES: Readonly<Record<string, Handler>> = {
  'a page shorter than its Content-Length': paged({
    head: new ResponseHead(200, ['Content-Length', '100']),
    body: bytes,
  }),
  'a page whose body is none': paged({ head: new ResponseHead(200), body: 'text' }),
  'a page that is a tunnel': paged({
    head: new ResponseHead(200),
    body: { kind: 'tunnel', accept: () => {} },
  }),
  'a page with trailers that are none': paged({
    head: new ResponseHead(200),
    body: { kind: 'stream', source, trailers },
  }),
  'an error with a Content-Length': async (request) => {
    if (request.path === '/ok') return answer('next');
    throw new GatewayError(404, 'XGI_TEST', 'there is none', { fields: ['Content-Length', '1000'] });
  },
  'a Content-Length that middleware sets': (request) =>
    answerWithHead(failing, request, (head) =>
      request.path === '/ok' ? head : head.withField('Content-Length', '1000'),
    ),
};

/** A status and a text for a path. */
type Asking = (path: string) => Promise<{ readonly status: number; readonly body: string }>;

const SERVERS: Readonly<Record<string, (handler: Handler) => Promise<Asking>>> = {
  'HTTP/1.1': async (handler) => withFetch((await startServer(handler)).url),
  'HTTP/2': async (handler) => {
    const session = await connectHttp2((await startTlsServer(handler)).port);
    return async (path) => await ask(session, { ':path': path });
  },
  'node:http': async (handler) => {
    const server = createServer(toNodeListener(handler, { log: new MemoryLog() }));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => server.closeAllConnections());
    onTestFinished(() => void server.close());
    return withFetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  },
  'WHATWG Fetch': async (handler) => {
    const serve = toFetch(handler, { log: new MemoryLog() });
    return async (path) => {
      const response = await serve(new Request(`http://a${path}`));
      return { status: response.status, body: await response.text() };
    };
  },
};

function withFetch(origin: string): Asking {
  return async (path) => {
    const response = await fetch(origin + path, { signal: AbortSignal.timeout(2000) });
    return { status: response.status, body: await response.text() };
  };
}

describe.each(Object.entries(SERVERS))('%s', (_, serve) => {
  test.each(Object.entries(CASES))('%s: the plain answer is sent', async (_name, handler) => {
    const get = await serve(handler);
    const { status, body } = await get('/gone');
    expect(status).toBe(404);
    expect(body).toContain('XGI_TEST: there is none');
    expect(await get('/ok')).toMatchObject({ status: 200, body: 'next' });
  });
});

test('what is wrong with the page is in the log, beside the error', async () => {
  const { url, log } = await startServer(CASES['a page shorter than its Content-Length']!);
  expect((await fetch(`${url}/gone`)).status).toBe(404);
  expect(log.map(({ fields }) => fields?.['code'])).toEqual(['XGI_TEST', 'XGI_HTTP_BAD_RESPONSE']);
});

test('a program that has answered in our place keeps its answer, and lives', async () => {
  const log = new MemoryLog();
  let fail: (error: Error) => void = () => {};
  const listener = toNodeListener(() => new Promise((_, reject) => (fail = reject)), { log });
  const server = createServer((request, response) => {
    listener(request, response);
    response.write('own ');
    fail(new Error('too late'));
    setImmediate(() => response.end('answer'));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  expect(await response.text()).toBe('own answer');
});
