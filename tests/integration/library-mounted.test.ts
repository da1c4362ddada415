/** The same handlers mounted in `node:http`, Express, Fastify, Hono and h3: what they see, and what becomes of their answers. */
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { open } from 'node:fs/promises';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { iterableBody } from '../../src/bodies/iterable-body.js';
import { requestChunks } from '../../src/bodies/request-bytes.js';
import { GatewayError, LocalProtocolError } from '../../src/errors.js';
import { ResponseHead } from '../../src/http/response-head.js';
import type { GatewayRequest, Handler } from '../../src/types.js';
import { answer, deferred, echo, hello, readBody, streamed, TestSource } from '../support/http-server.js';
import { RawClient } from '../support/http-client.js';
import { HOSTS } from '../support/mounted.js';
import { pollUntil } from '../support/poll.js';
import { makeTempDir } from '../support/temp-dir.js';
import { MemoryLog } from '../support/wsgi-site.js';

const LARGE = Buffer.alloc(3_000_000, 'abcdefghij');

describe.each(Object.keys(HOSTS) as (keyof typeof HOSTS)[])('%s', (name) => {
  const log = new MemoryLog();

  async function mount(handler: Handler, options: object = {}): Promise<{ port: number; url: string }> {
    log.records.length = 0;
    const port = await HOSTS[name](handler, { log, ...options });
    return { port, url: `http://127.0.0.1:${port}/legacy` };
  }

  /** What a handler is asked for by such a request. */
  async function seen(target: string, init: RequestInit = {}): Promise<GatewayRequest> {
    let given: GatewayRequest | undefined;
    const { port } = await mount((request) => {
      given = request;
      return hello(request);
    });
    const response = await fetch(`http://127.0.0.1:${port}${target}`, init);
    expect([response.status, await response.text()]).toEqual([200, 'hello']);
    return given!;
  }

  test.each([
    ['/legacy/', '/'],
    ['/legacy/a', '/a'],
    ['/legacy/a/', '/a/'],
    ['/legacy/a%20b%C3%A9/c%2Fd?x=%20&y', '/a%20b%C3%A9/c%2Fd'],
    ['/legacy/legacy', '/legacy'],
  ])('%s has the path %s behind the mount', async (target, rest) => {
    const given = await seen(target);
    expect([given.mount, given.path, given.target]).toEqual(['/legacy', rest, target]);
    expect(given.query).toBe(target.split('?')[1] ?? '');
  });

  test('the mount itself has no path, and nobody makes up a slash', async () => {
    const given = await seen('/legacy?a');
    expect([given.mount, given.path, given.query]).toEqual(['/legacy', '', 'a']);
  });

  test('fields, authority, client and scheme', async () => {
    const given = await seen('/legacy/', { headers: { 'X-One': 'ä', Accept: 'text/plain' } });
    expect(given).toMatchObject({ method: 'GET', scheme: 'http', clientAddress: '127.0.0.1', body: null });
    expect(given.authority).toMatch(/^127\.0\.0\.1:\d+$/);
    expect([given.field('x-one'), given.field('accept')]).toEqual(['ä', 'text/plain']);
    expect(given.field('host')).toBe(given.authority);
  });

  test.each([
    ['127.0.0.1', '203.0.113.9', 'https'],
    ['', '127.0.0.1', 'http'],
  ])('X-Forwarded-For counts if %j is trusted', async (forwardedAllowIps, client, scheme) => {
    let given: GatewayRequest | undefined;
    const { url } = await mount((request) => ((given = request), hello(request)), { forwardedAllowIps });
    await fetch(`${url}/`, { headers: { 'X-Forwarded-For': '203.0.113.9', 'X-Forwarded-Proto': 'https' } });
    expect([given!.clientAddress, given!.scheme]).toEqual([client, scheme]);
  });

  // A listener of node:http has nothing beside it.
  if (name !== 'node:http')
    test('what is beside it is the host’s', async () => {
      const { port } = await mount(hello);
      expect(await (await fetch(`http://127.0.0.1:${port}/own`)).text()).toBe('own');
    });

  test.each([0, 1, 70_000, LARGE.length])('a body of %i bytes, there and back', async (length) => {
    const { url } = await mount(echo);
    const response = await fetch(`${url}/x`, { method: 'PUT', body: LARGE.subarray(0, length) });
    const body = Buffer.from(await response.arrayBuffer());
    expect(body.equals(Buffer.concat([Buffer.from('PUT /legacy/x\n'), LARGE.subarray(0, length)]))).toBe(
      true,
    );
  });

  test.each(['application/json', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', ''])(
    'a body of the type %j is not parsed',
    async (type) => {
      const { url } = await mount(echo);
      const headers = type === '' ? {} : { 'Content-Type': type };
      const response = await fetch(`${url}/x`, { method: 'POST', body: Buffer.from('{"a": 1'), headers });
      expect(await response.text()).toBe('POST /legacy/x\n{"a": 1');
    },
  );

  test('a chunked body has no length, and streams through', async () => {
    let length: number | undefined;
    const { url } = await mount(({ body }) => {
      length = body?.length;
      return { head: new ResponseHead(200), body: iterableBody(requestChunks(body)) };
    });
    const sent = httpRequest(`${url}/x`, { method: 'POST' });
    sent.write('one');
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    expect(length).toBe(-1);
    let received = '';
    response.on('data', (chunk: Buffer) => (received += chunk.toString()));
    await pollUntil(() => received === 'one');
    sent.end('two');
    await once(response, 'end');
    expect(received).toBe('onetwo');
  });

  test('a client that does not read holds the source back', async () => {
    const source = new TestSource();
    const { port } = await mount(() => streamed(source));
    const client = await RawClient.connect(port);
    client.socket.pause();
    client.send('GET /legacy/ HTTP/1.1\r\nHost: a\r\n\r\n');
    await pollUntil(() => source.sink);
    let given = 0;
    // As the contract has it: so much may be untaken.
    const give = (): boolean => {
      while (given - source.takenBytes < 262_144) {
        source.sink!.data(Buffer.alloc(65_536));
        given += 65_536;
      }
      return false;
    };
    let before = -1;
    await pollUntil(() => (give(), before === given || ((before = given), false)), { everyMs: 300 });
    expect(given).toBeLessThan(20_000_000);
    client.socket.resume();
    await pollUntil(() => source.takenBytes === given);
    client.reset();
    await pollUntil(() => source.cancelled === 1);
  });

  test('a handler that does not read holds the client back', async () => {
    const { url } = await mount(async ({ body }) => {
      body!.consume({ data: () => body!.pause(), end() {}, error() {} });
      return await new Promise(() => {});
    });
    const sent = httpRequest(`${url}/x`, { method: 'POST' });
    sent.on('error', () => {});
    let written = 0;
    const chunk = Buffer.alloc(65_536);
    const write = (): void => {
      while (written < 50_000_000 && sent.write(chunk, () => (written += chunk.length)));
    };
    sent.on('drain', write);
    write();
    let before = -1;
    await pollUntil(() => before === written || ((before = written), false), { everyMs: 300 });
    expect(written).toBeLessThan(50_000_000);
    sent.destroy();
  });

  test('a client that goes is an abort, cancels the body once, and fails a request body', async () => {
    const aborted = deferred();
    const source = new TestSource((sink) => sink.data(Buffer.from('begun')));
    const failed = deferred<Error>();
    const { port } = await mount((request) => {
      request.onAbort(() => aborted.resolve());
      request.body?.consume({ data() {}, end() {}, error: (error) => failed.resolve(error) });
      return streamed(source);
    });
    const client = await RawClient.connect(port);
    client.send('POST /legacy/ HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc');
    await client.untilText('begun');
    client.reset();
    await aborted.promise;
    expect((await failed.promise).message).toContain('the client has ended the request');
    expect(source.cancelled).toBe(1);
  });

  test('a client that goes before there is an answer', async () => {
    const begun = deferred();
    const aborted = deferred();
    const late = new TestSource();
    const { port } = await mount(async (request) => {
      begun.resolve();
      await new Promise<void>((resolve) => request.onAbort(resolve));
      aborted.resolve();
      return streamed(late);
    });
    const client = await RawClient.connect(port);
    client.send('GET /legacy/ HTTP/1.1\r\nHost: a\r\n\r\n');
    await begun.promise;
    client.reset();
    await aborted.promise;
    await pollUntil(() => late.cancelled === 1);
    expect(late.sink).toBeUndefined();
  });

  test('a source that fails truncates its answer', async () => {
    const { port } = await mount(() =>
      streamed(
        new TestSource((sink) => {
          sink.data(Buffer.from('begun'));
          sink.error(new LocalProtocolError('XGI_TEST', 'broken'));
        }),
      ),
    );
    const client = await RawClient.connect(port);
    client.send('GET /legacy/ HTTP/1.1\r\nHost: a\r\n\r\n');
    const text = await client.rest();
    // Those two drop with the connection what they have not written.
    if (name !== 'Hono' && name !== 'h3') expect(text).toContain('begun');
    expect(text).not.toContain('\r\n0\r\n');
    expect(log.text).toContain('XGI_TEST: broken');
  });

  test('an answer shorter than its Content-Length is truncated, a longer one cut to it', async () => {
    const give =
      (text: string): Handler =>
      () =>
        streamed(
          new TestSource((sink) => {
            sink.data(Buffer.from(text));
            sink.end();
          }),
          ['Content-Length', '5'],
        );
    const long = await mount(give('hello, world'));
    expect(await (await fetch(`${long.url}/`)).text()).toBe('hello');
    const short = await mount(give('hel'));
    await expect(fetch(`${short.url}/`).then((response) => response.text())).rejects.toThrow(
      /terminated|fetch failed/,
    );
    expect(log.text).toContain('XGI_HTTP_BODY_SHORT');
  });

  test.each([
    [
      'a GatewayError',
      new GatewayError(503, 'XGI_TEST', 'secret', { fields: ['X-Why', 'test'] }),
      503,
      'XGI_TEST',
    ],
    ['a bug', new Error('secret'), 500, 'XGI_APP_RAISED'],
    ['rubbish', 'secret', 500, 'XGI_APP_RAISED'],
    ['a broken answer', new LocalProtocolError('XGI_TEST', 'secret'), 502, 'XGI_TEST'],
  ])('%s is told without its inside', async (_what, error, status, code) => {
    const { url } = await mount(() => {
      throw error;
    });
    const response = await fetch(`${url}/`);
    const text = await response.text();
    expect([response.status, response.headers.get('x-content-type-options')]).toEqual([status, 'nosniff']);
    expect(text).toContain(code);
    expect(text).toMatch(/request [0-9a-f]+-/);
    expect(text).not.toContain('secret');
    expect(log.records).toHaveLength(1);
  });

  test('with dev, a browser is shown the page', async () => {
    const handler: Handler = () => {
      throw new GatewayError(502, 'XGI_TEST', 'why <it> failed');
    };
    const { url } = await mount(handler, { dev: true });
    const response = await fetch(`${url}/`, { headers: { Accept: 'text/html' } });
    expect(response.headers.get('content-type')).toContain('text/html');
    expect(await response.text()).toContain('why &lt;it&gt; failed');
  });

  test.each([
    ['nothing', undefined, 502, 'XGI_HTTP_BAD_RESPONSE'],
    ['no head', { body: { kind: 'empty' } }, 502, 'XGI_HTTP_BAD_RESPONSE'],
    ['a body of no kind', { head: new ResponseHead(200), body: {} }, 502, 'XGI_HTTP_BAD_RESPONSE'],
    [
      'a tunnel',
      { head: new ResponseHead(101, ['Upgrade', 'x']), body: { kind: 'tunnel', accept() {} } },
      501,
      'XGI_HTTP_TUNNEL',
    ],
  ])('an answer that is %s is an error', async (_what, value, status, code) => {
    const { url } = await mount(() => value as never);
    const response = await fetch(`${url}/`);
    expect([response.status, await response.text()]).toEqual([status, expect.stringContaining(code)]);
  });

  test('heads: HEAD, 204, 304, repeated fields, a length of one’s own', async () => {
    const { url } = await mount(({ path: rest, method }) => {
      if (rest === '/204') return { head: new ResponseHead(204), body: { kind: 'empty' } };
      if (rest === '/304') return answer('', 304, ['ETag', '"a"']);
      return answer(method === 'HEAD' ? 'not sent' : 'hello', 200, [
        'Set-Cookie',
        'a=1',
        'Set-Cookie',
        'b=2',
      ]);
    });
    const head = await fetch(`${url}/`, { method: 'HEAD' });
    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '8', '']);
    expect(head.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
    expect((await fetch(`${url}/204`)).status).toBe(204);
    const unchanged = await fetch(`${url}/304`);
    expect([unchanged.status, unchanged.headers.get('etag')]).toEqual([304, '"a"']);
  });

  test('a file is sent and closed', async () => {
    const file = path.join(makeTempDir(), 'file');
    writeFileSync(file, LARGE);
    const handle = await open(file);
    const { url } = await mount(() => ({
      head: new ResponseHead(200),
      body: { kind: 'file', file: { handle, pieces: [{ offset: 10, length: 2_000_000 }] } },
    }));
    const response = await fetch(`${url}/`);
    expect(response.headers.get('content-length')).toBe('2000000');
    expect(Buffer.from(await response.arrayBuffer()).equals(LARGE.subarray(10, 2_000_010))).toBe(true);
    await pollUntil(() => handle.fd === -1);
  });

  test('a file whose client goes is closed', async () => {
    const file = path.join(makeTempDir(), 'file');
    writeFileSync(file, Buffer.alloc(50_000_000));
    const handle = await open(file);
    const { port } = await mount(() => ({
      head: new ResponseHead(200),
      body: { kind: 'file', file: { handle, pieces: [{ offset: 0, length: 50_000_000 }] } },
    }));
    const client = await RawClient.connect(port);
    client.send('GET /legacy/ HTTP/1.1\r\nHost: a\r\n\r\n');
    await client.untilText('\r\n\r\n');
    client.reset();
    await pollUntil(() => handle.fd === -1);
  });

  test('an early answer to an upload, and the connection can go on or is closed', async () => {
    const { port } = await mount(hello);
    const client = await RawClient.connect(port);
    client.send(`POST /legacy/ HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello`);
    expect((await client.response()).body).toBe('hello');
    client.send('GET /legacy/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    const text = await client.rest();
    if (text !== '') expect(text).toMatch(/^HTTP\/1\.1 200 [^]*hello/);
  });

  test('a path that is no valid one is a 400, and not of the program', async () => {
    let asked = 0;
    const { port } = await mount((request) => (asked++, hello(request)));
    const client = await RawClient.connect(port);
    client.send('GET /legacy/%00 HTTP/1.1\r\nHost: a\r\n\r\n');
    expect((await client.response()).status).toBe(400);
    expect(asked).toBe(0);
  });

  test('many requests leave nothing', async () => {
    let aborts = 0;
    const sources: TestSource[] = [];
    const { url } = await mount(async (request) => {
      request.onAbort(() => aborts++);
      const body = await readBody(request);
      const source = new TestSource((sink) => {
        sink.data(body);
        sink.end();
      });
      sources.push(source);
      return streamed(source);
    });
    for (let i = 0; i < 50; i++) {
      const responses = await Promise.all(
        Array.from({ length: 8 }, () => fetch(`${url}/`, { method: 'POST', body: 'hello' })),
      );
      for (const response of responses) expect(await response.text()).toBe('hello');
    }
    await pollUntil(() => sources.every(({ takenBytes, cancelled }) => takenBytes === 5 && cancelled === 0));
    expect([sources.length, aborts, log.records.length]).toEqual([400, 0, 0]);
  });
});
