/** Trailer fields of responses: sent where the client can get them, announced, and never what has to come before the body. */
import { once } from 'node:events';
import { type IncomingMessage, request as httpRequest } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { iterableBody } from '../../src/bodies/iterable-body.js';
import { ResponseHead } from '../../src/http/response-head.js';
import { cache } from '../../src/middleware/cache.js';
import { compression } from '../../src/middleware/compression.js';
import { transformBody } from '../../src/middleware/transform-body.js';
import type { GatewayResponse, Middleware, Trailers } from '../../src/types.js';
import { RawClient } from '../support/http-client.js';
import { startServer } from '../support/http-server.js';
import { connectHttp2, startTlsServer } from '../support/tls-server.js';

const TWO: Trailers = {
  names: ['X-Sum', 'Server-Timing'],
  fields: () => ['X-Sum', '5', 'Server-Timing', 'a', 'Server-Timing', 'b'],
};

function* chunks(): Generator<Buffer> {
  yield Buffer.from('he');
  yield Buffer.from('llo');
}

function respond(trailers: Trailers, fields: readonly string[] = [], status = 200): GatewayResponse {
  return { head: new ResponseHead(status, fields), body: iterableBody(chunks(), { trailers }) };
}

describe('HTTP/1.1', () => {
  test('behind the last chunk, for a client that takes them, and the connection goes on', async () => {
    const { port } = await startServer(() => respond(TWO));
    const client = await RawClient.connect(port);
    for (let i = 0; i < 2; i++) {
      client.send('GET / HTTP/1.1\r\nHost: a\r\nTE: gzip, Trailers\r\nConnection: TE\r\n\r\n');
      await client.untilText('0\r\nX-Sum: 5\r\nServer-Timing: a\r\nServer-Timing: b\r\n\r\n');
      expect(client.take()).toContain('Trailer: X-Sum, Server-Timing\r\n');
    }
  });

  test('node:http reads them', async () => {
    const { port } = await startServer(() => respond(TWO));
    const sent = httpRequest({ port, host: '127.0.0.1', headers: { TE: 'trailers' } }).end();
    const [response] = await once(sent, 'response');
    response.resume();
    await once(response, 'end');
    expect(response.trailers).toEqual({ 'x-sum': '5', 'server-timing': 'a, b' });
  });

  test.each([
    ['no TE', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', [], '2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n'],
    ['another TE', 'GET / HTTP/1.1\r\nHost: a\r\nTE: gzip\r\n\r\n', [], '0\r\n\r\n'],
    ['HTTP/1.0', 'GET / HTTP/1.0\r\nTE: trailers\r\n\r\n', [], '\r\n\r\nhello'],
    [
      'a Content-Length',
      'GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\n\r\n',
      ['Content-Length', '5'],
      '\r\n\r\nhello',
    ],
    ['HEAD', 'HEAD / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\n\r\n', [], '\r\n\r\n'],
  ])('none, and none announced, with %s', async (_what, head, fields, end) => {
    let asked = 0;
    const trailers = { names: ['X-Sum'], fields: () => (asked++, ['X-Sum', '5']) };
    const { port } = await startServer(() => respond(trailers, fields));
    const client = await RawClient.connect(port);
    client.send(head);
    await client.untilText(end);
    const text = client.take();
    expect(text.endsWith(end)).toBe(true);
    expect(text).not.toMatch(/trailer|x-sum/i);
    expect(asked).toBe(0);
  });

  test.each(['Content-Length', 'set-cookie', 'Transfer-Encoding', 'Location', 'Cache-Control', 'a b', ''])(
    'the name %j is refused before anything is sent',
    async (name) => {
      const { port, log } = await startServer(() => respond({ names: [name], fields: () => [] }));
      const response = await fetch(`http://127.0.0.1:${port}/`);
      expect(response.status).toBe(502);
      expect(await response.text()).toContain('XGI_HTTP_BAD_TRAILER');
      expect(log.map(({ message }) => message).join()).toContain('XGI_HTTP_BAD_TRAILER');
    },
  );

  test.each([
    ['is not announced', () => ['X-Other', '1']],
    ['splits the response', () => ['X-Sum', '1\r\nSet-Cookie: a=b']],
    [
      'cannot be made',
      () => {
        throw new Error('no sum');
      },
    ],
  ])('a field that %s truncates the body', async (_what, fields) => {
    const { port, log } = await startServer(() => respond({ names: ['X-Sum'], fields }));
    const client = await RawClient.connect(port);
    client.send('GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\n\r\n');
    const text = await client.rest();
    expect(text).toMatch(/llo\r\n$/);
    expect(log).toHaveLength(1);
  });
});

describe('through middleware', () => {
  const SHOUT: Middleware = (next) => async (request) =>
    transformBody(await next(request), async function* (given) {
      for await (const chunk of given) yield Buffer.from(chunk.toString().toUpperCase());
    });
  const FIRST: Middleware = (next) => async (request) =>
    transformBody(await next(request), async function* (given) {
      for await (const chunk of given) {
        yield chunk;
        return;
      }
    });
  /** Of the sums, one is of the bytes that were there before. */
  const SUMS: Trailers = {
    names: ['X-Sum', 'Content-Digest', 'ETag'],
    fields: () => ['X-Sum', '5', 'Content-Digest', 'sha-256=:a:', 'ETag', '"a"'],
  };

  async function through(middleware: Middleware): Promise<IncomingMessage> {
    const { port } = await startServer(middleware(() => respond(SUMS, ['Content-Type', 'text/plain'])));
    return await ask(port);
  }

  async function ask(port: number): Promise<IncomingMessage> {
    const headers = { TE: 'trailers', 'Accept-Encoding': 'gzip' };
    const sent = httpRequest({ port, host: '127.0.0.1', headers }).end();
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    return response;
  }

  test('compression: those that do not speak of the bytes before', async () => {
    const response = await through(compression({}));
    expect(response.headers['content-encoding']).toBe('gzip');
    expect(response.headers.trailer).toBe('X-Sum, ETag');
    expect(gunzipSync(await buffer(response)).toString()).toBe('hello');
    expect(response.trailers).toEqual({ 'x-sum': '5', etag: 'W/"a"' });
  });

  test('a transform: no validators either, and none if the body before was not made to its end', async () => {
    const response = await through(SHOUT);
    expect((await buffer(response)).toString()).toBe('HELLO');
    expect(response.trailers).toEqual({ 'x-sum': '5' });
    const long = Array.from({ length: 3 }, () => Buffer.alloc(100_000));
    const { port } = await startServer(
      FIRST(() => ({ head: new ResponseHead(200), body: iterableBody(long, { trailers: SUMS }) })),
    );
    const part = await ask(port);
    expect((await buffer(part)).length).toBe(100_000);
    expect(part.trailers).toEqual({});
  });

  test('a transform of a body that has nothing else: none are announced', async () => {
    const digest = { names: ['Content-Digest'], fields: () => ['Content-Digest', 'sha-256=:a:'] };
    const { port } = await startServer(SHOUT(() => respond(digest)));
    const client = await RawClient.connect(port);
    client.send('GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\n\r\n');
    await client.untilText('0\r\n\r\n');
    expect(client.take()).not.toMatch(/trailer|digest/i);
  });

  test('a cache: all on the answer that is stored, none on those from the store', async () => {
    const handler = cache({})(() => respond(SUMS, ['Cache-Control', 'max-age=60']));
    const { port } = await startServer(handler);
    for (const trailers of [{ 'x-sum': '5', 'content-digest': 'sha-256=:a:', etag: '"a"' }, {}]) {
      const response = await ask(port);
      expect((await buffer(response)).toString()).toBe('hello');
      expect(response.trailers).toEqual(trailers);
    }
  });
});

describe('HTTP/2', () => {
  async function ask(
    trailers: Trailers,
    fields: readonly string[] = [],
    method = 'GET',
  ): Promise<{ body: string; trailers: object | undefined; announced: unknown; code: number; log: string }> {
    const { port, log } = await startTlsServer(() => respond(trailers, fields));
    const session = await connectHttp2(port);
    const stream = session.request({ ':path': '/', ':method': method });
    let received: object | undefined;
    let announced: unknown;
    let body = '';
    stream.on('response', (headers) => (announced = headers['trailer']));
    stream.on('trailers', (given) => (received = JSON.parse(JSON.stringify(given)) as object));
    stream.on('data', (chunk: Buffer) => (body += chunk.toString()));
    stream.on('error', () => {});
    await new Promise((resolve) => stream.on('close', resolve));
    return {
      body,
      trailers: received,
      announced,
      code: stream.rstCode,
      log: log.map(({ message }) => message).join(),
    };
  }

  test('as HEADERS behind the body', async () => {
    expect(await ask(TWO)).toEqual({
      body: 'hello',
      trailers: { 'x-sum': '5', 'server-timing': 'a, b' },
      announced: 'X-Sum, Server-Timing',
      code: 0,
      log: '',
    });
  });

  test.each([
    ['a Content-Length', ['Content-Length', '5'], 'GET', 'hello'],
    ['HEAD', [], 'HEAD', ''],
  ])('none with %s', async (_what, fields, method, body) => {
    const answer = await ask(TWO, fields, method);
    expect(answer).toEqual({ body, trailers: undefined, announced: undefined, code: 0, log: '' });
  });

  test('an empty list ends the stream', async () => {
    const answer = await ask({ names: ['X-Sum'], fields: () => [] });
    expect(answer).toMatchObject({ body: 'hello', code: 0 });
  });

  test('a field that is not announced resets the stream', async () => {
    const answer = await ask({ names: ['X-Sum'], fields: () => ['X-Other', '1'] });
    expect(answer.trailers).toBeUndefined();
    expect(answer.code).not.toBe(0);
    expect(answer.log).toContain('XGI_HTTP_BAD_TRAILER');
  });
});
