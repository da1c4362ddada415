/** HTTP/2 to the same contract as HTTP/1.1: what a handler is given, and what becomes of its response. */
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { constants } from 'node:http2';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { describe, expect, onTestFinished, test } from 'vitest';
import { GatewayError } from '../../src/errors.js';
import { ResponseHead } from '../../src/http/response-head.js';
import { requestFinish, type RequestFinish } from '../../src/observe/channels.js';
import type { GatewayRequest, Handler } from '../../src/types.js';
import { answer, deferred, echo, hello, readBody, streamed, TestSource } from '../support/http-server.js';
import {
  END_HEADERS,
  END_STREAM,
  frame,
  FrameClient,
  get,
  GOAWAY,
  headerBlock,
  HEADERS,
} from '../support/http2-frames.js';
import { pollUntil } from '../support/poll.js';
import { makeTempDir } from '../support/temp-dir.js';
import { connectHttp2, request, startTlsServer } from '../support/tls-server.js';
import { writeFileSync } from 'node:fs';
import path from 'node:path';

const LARGE = Buffer.alloc(1_000_000, 'abcdefghij');

describe('a request', () => {
  test('has what one of HTTP/1.1 has', async () => {
    const seen: GatewayRequest[] = [];
    const { port } = await startTlsServer((given) => {
      seen.push(given);
      return answer('ok');
    });
    const session = await connectHttp2(port);
    await request(session, { ':path': '/a%20b?c=d', 'x-a': ['1', '2'], cookie: ['a=1', 'b=2'] });
    const [given] = seen;
    expect(given).toMatchObject({
      method: 'GET',
      target: '/a%20b?c=d',
      path: '/a%20b',
      query: 'c=d',
      httpVersion: '2.0',
      scheme: 'https',
      authority: `localhost:${port}`,
      body: null,
      clientAddress: expect.stringMatching(/^(127\.0\.0\.1|::1)$/),
    });
    expect(given!.fields).toEqual([
      'Host',
      `localhost:${port}`,
      'x-a',
      '1',
      'x-a',
      '2',
      'cookie',
      'a=1; b=2',
    ]);
  });

  test.each([0, 1, 20_000, 1_000_000])('a body of %i bytes', async (length) => {
    const { port } = await startTlsServer(echo);
    const session = await connectHttp2(port);
    const { body, status } = await request(session, { ':method': 'POST' }, LARGE.subarray(0, length));
    expect([status, body.length]).toEqual([200, 'POST /\n'.length + length]);
  });

  test('a body is not read before it is wanted, and 100 Continue is sent then', async () => {
    const wanted = deferred();
    const { port } = await startTlsServer(async (given) => {
      await wanted.promise;
      return answer(await readBody(given));
    });
    const session = await connectHttp2(port);
    const stream = session.request({ ':method': 'POST', expect: '100-continue' }, { endStream: false });
    let continued = 0;
    stream.on('continue', () => {
      continued++;
      stream.end('body');
    });
    await new Promise(setImmediate);
    expect(continued).toBe(0);
    wanted.resolve();
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    await once(stream, 'close');
    expect([continued, Buffer.concat(chunks).toString()]).toEqual([1, 'body']);
  });

  test('a handler that answers without reading: the rest is refused, the connection goes on', async () => {
    const { port } = await startTlsServer(hello);
    const session = await connectHttp2(port);
    const stream = session.request({ ':method': 'POST' }, { endStream: false });
    stream.on('error', () => {});
    stream.write(LARGE);
    const [head] = (await once(stream, 'response')) as [Record<string, unknown>];
    expect(head[':status']).toBe(200);
    stream.resume();
    await once(stream, 'close');
    expect(stream.rstCode).toBe(0);
    expect((await request(session)).body).toBe('hello');
  });

  test('Content-Length is believed no more than in HTTP/1.1', async () => {
    const { port, seen } = await startTlsServer(echo, { limits: { maxBodyBytes: 1000 } });
    const session = await connectHttp2(port);
    const sent = { ':method': 'POST' };
    expect(
      (await request(session, { ...sent, 'content-length': '5000' }, LARGE.subarray(0, 5000))).status,
    ).toBe(413);
    expect(seen).toEqual([]);
    expect((await request(session, sent, LARGE.subarray(0, 5000))).status).toBe(413);
    expect((await request(session, sent, LARGE.subarray(0, 1000))).status).toBe(200);
  });

  test('OPTIONS *', async () => {
    const { port, seen } = await startTlsServer(hello);
    const session = await connectHttp2(port);
    expect((await request(session, { ':method': 'OPTIONS', ':path': '*' })).status).toBe(200);
    expect(seen).toEqual([]);
  });
});

describe('a response', () => {
  async function bodyOf(handler: Handler, fields = {}): ReturnType<typeof request> {
    const { port } = await startTlsServer(handler);
    return await request(await connectHttp2(port), fields);
  }

  test('bytes: a string, small, large, and more than Content-Length says', async () => {
    expect((await bodyOf(hello)).fields).toMatchObject({ 'content-length': '5', server: 'xgi' });
    expect((await bodyOf(() => answer(Buffer.from('äö', 'latin1')))).body).toBe('äö');
    expect((await bodyOf(() => answer(LARGE))).body).toBe(LARGE.toString());
    expect((await bodyOf(() => answer('hello', 200, ['Content-Length', '2']))).body).toBe('he');
  });

  test('fewer bytes than Content-Length says are no response', async () => {
    expect((await bodyOf(() => answer('hello', 200, ['Content-Length', '9']))).status).toBe(502);
  });

  test('repeated fields stay apart', async () => {
    const { fields } = await bodyOf(() => answer('', 200, ['Set-Cookie', 'a=1', 'Set-Cookie', 'b=2']));
    expect(fields['set-cookie']).toEqual(['a=1', 'b=2']);
  });

  test.each([
    ['HEAD', 200, '5'],
    ['GET', 204, undefined],
    ['GET', 304, undefined],
  ])('%s with %i has no body', async (method, status, length) => {
    const { body, fields } = await bodyOf(() => answer('hello', status), { ':method': method });
    expect([body, fields['content-length']]).toEqual(['', length]);
  });

  test('any field may be repeated: of what Node sends once, the values are joined', async () => {
    const names = Object.entries(constants)
      .filter(([key]) => key.startsWith('HTTP2_HEADER_'))
      .map(([, name]) => String(name))
      .filter(isSendable);
    expect(names.length).toBeGreaterThan(60);
    const { port } = await startTlsServer((given) => {
      const second = given.path === '/same' ? 'a' : 'b';
      return answer(
        'ok',
        200,
        names.flatMap((name) => [name, 'a', name, second]),
      );
    });
    const session = await connectHttp2(port);
    const same = await request(session, { ':path': '/same' });
    expect([same.status, same.fields['etag'], same.fields['x-content-type-options']]).toEqual([
      200,
      'a',
      'a',
    ]);
    const others = await request(session, { ':path': '/others' });
    expect([others.status, others.fields['content-language']]).toEqual([200, 'a, b']);
  });

  test('white space around a value, which HTTP/2 forbids, and HTTP2-Settings are not sent', async () => {
    const given = ['X-A', ' \t a b\t ', 'X-B', ' ', 'HTTP2-Settings', 'AAMAAABk'];
    const { status, fields } = await bodyOf(() => answer('ok', 200, given));
    expect([status, fields['x-a'], fields['x-b']]).toEqual([200, 'a b', '']);
    expect(fields).not.toHaveProperty('http2-settings');
  });

  test('part of a file', async () => {
    const file = path.join(makeTempDir(), 'file');
    writeFileSync(file, LARGE);
    const { body, fields } = await bodyOf(async () => ({
      head: new ResponseHead(200),
      body: { kind: 'file', file: { handle: await open(file), pieces: [{ offset: 10, length: 900_000 }] } },
    }));
    expect(fields['content-length']).toBe('900000');
    expect(body === LARGE.subarray(10, 900_010).toString()).toBe(true);
  });

  test('a file that has shrunk is not taken for complete', async () => {
    const file = path.join(makeTempDir(), 'file');
    writeFileSync(file, 'short');
    const { code } = await bodyOf(async () => ({
      head: new ResponseHead(200),
      body: { kind: 'file', file: { handle: await open(file), pieces: [{ offset: 0, length: 100 }] } },
    }));
    expect(code).toBe(2);
  });

  test('a stream, as it comes', async () => {
    const source = new TestSource();
    const { port } = await startTlsServer(() => streamed(source));
    const session = await connectHttp2(port);
    const stream = session.request({ ':path': '/' });
    await pollUntil(() => source.sink, { what: 'the start' });
    source.sink!.data(Buffer.from('first'));
    expect(String((await once(stream, 'data'))[0])).toBe('first');
    source.sink!.data(LARGE);
    source.sink!.end();
    let length = 0;
    stream.on('data', (chunk: Buffer) => (length += chunk.length));
    await once(stream, 'close');
    expect(length).toBe(LARGE.length);
    expect(source.takenBytes).toBe(LARGE.length + 5);
  });

  test('a stream that fails is reset, so that nobody takes it for complete', async () => {
    const source = new TestSource((sink) => {
      sink.data(Buffer.from('part'));
      sink.error(new Error('broken'));
    });
    const { status, code } = await bodyOf(() => streamed(source));
    expect([status, code]).toEqual([200, 2]);
  });

  test('no more is asked of a source than the client takes', async () => {
    const source = new TestSource();
    const { port } = await startTlsServer(() => streamed(source));
    const session = await connectHttp2(port);
    const stream = session.request({ ':path': '/' });
    stream.pause();
    const [, chunk] = [await once(stream, 'response'), LARGE.subarray(0, 10_000)];
    for (let i = 0; i < 2000; i++) source.sink!.data(chunk);
    // The window of the client is all that goes without being read.
    await pollUntil(() => source.takenBytes >= 60_000, { what: 'the window to be used' });
    await new Promise((resolve) => session.ping(() => resolve(undefined)));
    expect(source.takenBytes).toBeLessThan(200_000);
    source.sink!.end();
    stream.resume();
    await once(stream, 'close');
    expect(source.takenBytes).toBe(20 * LARGE.length);
  });

  test('interim responses', async () => {
    const { port } = await startTlsServer((given) => {
      given.inform(new ResponseHead(103, ['Link', '</a.css>; rel=preload']));
      return answer('ok');
    });
    const session = await connectHttp2(port);
    const stream = session.request({ ':path': '/' });
    const [early] = (await once(stream, 'headers')) as [Record<string, unknown>];
    expect([early[':status'], early['link']]).toEqual([103, '</a.css>; rel=preload']);
    stream.resume();
    await once(stream, 'close');
  });

  test('errors have the same answers', async () => {
    expect((await bodyOf(() => Promise.reject(new GatewayError(504, 'XGI_TEST', 'late')))).status).toBe(504);
    const thrown = await bodyOf(() => {
      throw new Error('bug');
    });
    expect([thrown.status, thrown.body.includes('bug')]).toEqual([500, false]);
    const tunnel = await bodyOf(() => ({
      head: new ResponseHead(200),
      body: { kind: 'tunnel', accept: () => {} },
    }));
    expect(tunnel.status).toBe(501);
  });

  test('HSTS', async () => {
    const { port } = await startTlsServer(hello, { hstsSeconds: 60 });
    const { fields } = await request(await connectHttp2(port));
    expect(fields['strict-transport-security']).toBe('max-age=60');
  });
});

/** Neither a field of the connection nor one whose value is read here. */
function isSendable(name: string): boolean {
  if (['content-length', 'date', 'set-cookie', 'http2-settings'].includes(name)) return false;
  try {
    void new ResponseHead(200, [name, 'a']);
    return true;
  } catch {
    return false;
  }
}

describe('the end', () => {
  test('a client that resets its stream aborts the request, and only that', async () => {
    const aborted = deferred();
    const { port } = await startTlsServer((given) => {
      if (given.path !== '/wait') return answer('ok');
      given.onAbort(() => aborted.resolve());
      return new Promise(() => {});
    });
    const session = await connectHttp2(port);
    const stream = session.request({ ':path': '/wait' });
    stream.on('error', () => {});
    expect((await request(session)).body).toBe('ok');
    stream.close(8);
    await aborted.promise;
    expect((await request(session)).body).toBe('ok');
  });

  test('a response that comes after the client has gone is dropped', async () => {
    const late = deferred();
    const source = new TestSource();
    const { port, log } = await startTlsServer(async () => {
      await late.promise;
      return streamed(source);
    });
    const session = await connectHttp2(port);
    const stream = session.request({ ':path': '/' });
    stream.on('error', () => {});
    await once(session, 'localSettings');
    stream.close(8);
    late.resolve();
    await pollUntil(() => source.cancelled === 1, { what: 'the source to be let go' });
    expect(log.filter(({ level }) => level === 'error')).toEqual([]);
  });

  test('a shutdown answers what is under way, then ends the connection', async () => {
    const held = deferred();
    const { server, port } = await startTlsServer(async () => {
      await held.promise;
      return answer('late');
    });
    const session = await connectHttp2(port);
    const late = request(session);
    await pollUntil(() => server.connections === 1, { what: 'a connection' });
    const codes: number[] = [];
    session.on('goaway', (code) => codes.push(code));
    const over = server.shutdown(5000);
    await once(session, 'goaway');
    held.resolve();
    expect((await late).body).toBe('late');
    await over;
    await pollUntil(() => session.destroyed, { what: 'the end of the session' });
    expect(new Set(codes)).toEqual(new Set([0]));
    expect(server.connections).toBe(0);
  });

  test('requests that are on their way when a shutdown begins are answered', async () => {
    const { server, port } = await startTlsServer((given) =>
      given.path === '/wait' ? new Promise(() => {}) : answer('ok'),
    );
    const client = await FrameClient.connect(port);
    const ask = (stream: number, target: string): void => {
      client.send(frame(HEADERS, END_HEADERS | END_STREAM, stream, headerBlock(get({ ':path': target }))));
    };
    ask(1, '/wait');
    ask(3, '/');
    await client.until(HEADERS, 3);
    const over = server.shutdown(1000);
    // The server looks at its connections every 50 ms, and gives them 500.
    for (let stream = 5; stream <= 9; stream += 2) {
      await new Promise((resolve) => setTimeout(resolve, 30));
      ask(stream, '/');
      await client.until(HEADERS, stream);
    }
    expect((await client.until(GOAWAY)).payload.readUInt32BE()).toBe(9);
    await over;
  });

  test('what does not end in time gets 503', async () => {
    const { server, port } = await startTlsServer(() => new Promise(() => {}));
    const session = await connectHttp2(port);
    const answered = request(session);
    await new Promise((resolve) => session.ping((...all) => resolve(all)));
    await server.shutdown(100);
    expect((await answered).status).toBe(503);
  });

  test('an idle connection ends after its time', async () => {
    const { port } = await startTlsServer(hello, { deadlines: { keepAliveMs: 100 } });
    const session = await connectHttp2(port);
    await request(session);
    await pollUntil(() => session.destroyed, { what: 'the end of the session' });
  });

  test('finished requests are told of, with HTTP/2', async () => {
    const records: RequestFinish[] = [];
    const note = (record: unknown): void => void records.push(record as RequestFinish);
    subscribe(requestFinish.name, note);
    onTestFinished(() => void unsubscribe(requestFinish.name, note));
    const { port } = await startTlsServer(hello);
    await request(await connectHttp2(port));
    expect(records).toHaveLength(1);
    expect(records[0]).toMatchObject({ status: 200, bodyBytes: 5, aborted: false });
    expect(records[0]!.request!.httpVersion).toBe('2.0');
  });
});
