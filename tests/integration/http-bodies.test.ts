/** Response bodies that are longer than one write: streams and files, complete and truncated. */
import { open, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { ResponseHead } from '../../src/http/response-head.js';
import type { BodySink, GatewayResponse } from '../../src/types.js';
import { RawClient } from '../support/http-client.js';
import { answer, startServer, streamed, TestSource } from '../support/http-server.js';
import { pollUntil } from '../support/poll.js';
import { makeTempDir } from '../support/temp-dir.js';

const get = (target = '/'): string => `GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`;

function sourceOf(...texts: string[]): TestSource {
  return new TestSource((sink) => {
    for (const text of texts) sink.data(Buffer.from(text));
    sink.end();
  });
}

describe('streams', () => {
  test('to HTTP/1.1: chunked, block by block as it is made, and the connection goes on', async () => {
    const source = new TestSource();
    const { port } = await startServer(() => streamed(source));
    const client = await RawClient.connect(port);
    client.send(get());
    await client.untilText('\r\n\r\n');
    source.sink!.data(Buffer.from('one'));
    await client.untilText('3\r\none\r\n');
    source.sink!.data(Buffer.alloc(0));
    source.sink!.data(Buffer.from('x'.repeat(16)));
    await client.untilText(`10\r\n${'x'.repeat(16)}\r\n`);
    expect(client.received).not.toContain('\r\n0\r\n');
    source.sink!.end();
    expect(await client.response()).toMatchObject({ body: `one${'x'.repeat(16)}`, framing: 'chunked' });
    client.send(get());
    await client.untilText('\r\n\r\n');
  });

  test('to HTTP/1.0: up to the end of the connection', async () => {
    const { port } = await startServer(() => streamed(sourceOf('one', 'two')));
    const client = await RawClient.connect(port);
    client.send('GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n');
    const response = await client.response();
    expect(response).toMatchObject({ body: 'onetwo', framing: 'close', fields: { connection: 'close' } });
    expect(response.fields['transfer-encoding']).toBeUndefined();
  });

  test('with Content-Length: as it is', async () => {
    const { port } = await startServer(() => streamed(sourceOf('one', 'two'), ['Content-Length', '6']));
    const client = await RawClient.connect(port);
    client.send(get()).send('GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n');
    expect(await client.response()).toMatchObject({ body: 'onetwo', framing: 'length' });
    expect(await client.response()).toMatchObject({ body: 'onetwo', fields: { connection: 'keep-alive' } });
  });

  test('longer than Content-Length: nothing is sent past it', async () => {
    const { port } = await startServer((request) =>
      request.path === '/'
        ? streamed(sourceOf('one', 'two', 'three'), ['Content-Length', '4'])
        : answer('next'),
    );
    const client = await RawClient.connect(port);
    client.send(get() + get('/next'));
    expect((await client.response()).body).toBe('onet');
    expect((await client.response()).body).toBe('next');
  });

  test.each([
    ['shorter than Content-Length', ['Content-Length', '10'], (sink: BodySink) => sink.end()],
    ['that fails, chunked', [], (sink: BodySink) => sink.error(new Error('upstream died'))],
    [
      'that fails, with Content-Length',
      ['Content-Length', '10'],
      (sink: BodySink) => sink.error(new Error('upstream died')),
    ],
  ])('%s: what there was, then a broken connection, never the last chunk', async (_name, fields, finish) => {
    const source = new TestSource();
    const { port, seen, log, server } = await startServer(() => streamed(source, fields));
    const client = await RawClient.connect(port);
    client.send(get() + get('/next'));
    await client.untilText('\r\n\r\n');
    source.sink!.data(Buffer.from('part'));
    await client.untilText('part');
    finish(source.sink!);
    const text = await client.rest();
    expect(text).toMatch(fields.length === 0 ? /\r\n\r\n4\r\npart\r\n$/ : /\r\n\r\npart$/);
    await pollUntil(() => server.connections === 0, { what: 'the end of the connection' });
    expect(seen).toEqual(['GET /']);
    expect(log).toMatchObject([{ level: 'error', fields: { client: '127.0.0.1' } }]);
    expect(source.cancelled).toBe(0);
  });

  test('that fails, to HTTP/1.0 on a Unix-domain socket, which knows no reset: the end, and the server goes on', async () => {
    const source = new TestSource();
    const endpoint = { kind: 'unix', path: path.join(makeTempDir(), 's') } as const;
    const { server } = await startServer(
      (request) => (request.path === '/next' ? answer('next') : streamed(source)),
      { endpoint },
    );
    const client = await RawClient.connect(endpoint.path);
    client.send('GET / HTTP/1.0\r\n\r\n');
    await pollUntil(() => source.sink !== undefined, { what: 'the stream' });
    source.sink!.data(Buffer.from('begun'));
    source.sink!.error(new Error('broken'));
    await client.until(() => client.ended || client.closed, 'the end');
    expect(client.received).toContain('begun');
    await pollUntil(() => server.connections === 0, { what: 'the end of the connection' });
    const next = await RawClient.connect(endpoint.path);
    expect((await next.send(get('/next')).response()).body).toBe('next');
  });

  test('that fails, to HTTP/1.0: a reset, because an end would look complete', async () => {
    const source = new TestSource();
    const { port } = await startServer(() => streamed(source));
    const client = await RawClient.connect(port);
    client.send('GET / HTTP/1.0\r\n\r\n');
    await client.untilText('\r\n\r\n');
    source.sink!.data(Buffer.from('part'));
    await client.untilText('part');
    source.sink!.error(new Error('upstream died'));
    await client.until(() => client.closed || client.ended, 'the reset');
    expect(client.error?.code).toBe('ECONNRESET');
  });

  test('taken tells, chunk by chunk, what has left: a slow client holds only its own source back', async () => {
    const source = new TestSource();
    const { port } = await startServer(() => streamed(source));
    const client = await RawClient.connect(port);
    client.socket.pause();
    client.send(get());
    await pollUntil(() => source.sink, { what: 'the start' });
    const chunk = 500_000;
    let given = 0;
    // A source that keeps a megabyte in flight, as a worker's credit does.
    await pollUntil(
      () => {
        while (given - source.takenBytes < 1_000_000) {
          source.sink!.data(Buffer.alloc(chunk, 'x'));
          given += chunk;
        }
        return source.takenBytes > 0;
      },
      { what: 'the first chunk to leave' },
    );
    let quietSince = performance.now();
    let before = source.takenBytes;
    await pollUntil(
      () => {
        while (given - source.takenBytes < 1_000_000) {
          source.sink!.data(Buffer.alloc(chunk, 'x'));
          given += chunk;
        }
        if (source.takenBytes !== before) quietSince = performance.now();
        before = source.takenBytes;
        return performance.now() - quietSince > 150;
      },
      { what: 'the buffers of the kernel to be full' },
    );
    expect(given - source.takenBytes).toBeGreaterThanOrEqual(1_000_000);
    expect(given).toBeLessThan(50_000_000);
    source.sink!.end();
    client.socket.resume();
    expect((await client.response()).body).toHaveLength(given);
    await pollUntil(() => source.takenBytes === given, { what: 'all to be taken' });
    expect(new Set(source.taken_)).toEqual(new Set([chunk]));
  });

  test('what is past Content-Length counts as taken, so that its source does not wait for ever', async () => {
    const source = sourceOf('onetwo');
    const { port } = await startServer(() => streamed(source, ['Content-Length', '3']));
    const client = await RawClient.connect(port);
    expect((await client.send(get()).response()).body).toBe('one');
    await pollUntil(() => source.takenBytes === 6, { what: 'all to be taken' });
  });
});

describe('files', () => {
  const bytes = Buffer.from(Array.from({ length: 1_000_003 }, (_, i) => i % 251));
  const files = async (): Promise<{
    name: string;
    respond: (offset: number, length: number) => Promise<GatewayResponse>;
    closed: () => boolean;
    bytesRead: () => number;
  }> => {
    const name = path.join(makeTempDir(), 'file');
    await writeFile(name, bytes);
    const handles: { fd: number }[] = [];
    let bytesRead = 0;
    return {
      name,
      bytesRead: () => bytesRead,
      closed: () => handles.length > 0 && handles.every(({ fd }) => fd === -1),
      respond: async (offset, length) => {
        const handle = await open(name);
        handles.push(handle);
        const read = handle.read.bind(handle) as (...args: unknown[]) => Promise<{ bytesRead: number }>;
        const counting = async (...args: unknown[]): Promise<{ bytesRead: number }> => {
          const result = await read(...args);
          bytesRead += result.bytesRead;
          return result;
        };
        handle.read = counting as typeof handle.read;
        const file = { handle, pieces: [{ offset, length }] };
        return { head: new ResponseHead(200), body: { kind: 'file', file } };
      },
    };
  };

  test.each([
    [0, 1_000_003],
    [0, 0],
    [0, 1],
    [1_000_002, 1],
    [262_144, 262_144],
    [1, 524_289],
    [500_000, 500_003],
  ])('from %d, %d bytes; the handle is closed, the connection goes on', async (offset, length) => {
    const { respond, closed } = await files();
    const { port } = await startServer(() => respond(offset, length));
    const client = await RawClient.connect(port);
    for (let i = 0; i < 2; i++) {
      const response = await client.send(get()).response();
      expect(response.framing).toBe('length');
      expect(Buffer.from(response.body, 'latin1').equals(bytes.subarray(offset, offset + length))).toBe(true);
    }
    await pollUntil(closed, { what: 'the handles to be closed' });
  });

  test('HEAD and 304: the length, no byte, the handle is closed', async () => {
    const { respond, closed } = await files();
    const { port } = await startServer(() => respond(0, 1000));
    const client = await RawClient.connect(port);
    client.send('HEAD / HTTP/1.1\r\nHost: a\r\n\r\n');
    expect((await client.response({ method: 'HEAD' })).fields['content-length']).toBe('1000');
    await pollUntil(closed, { what: 'the handle to be closed' });
    expect(client.received).toBe('');
  });

  test('truncated before it is read: a broken connection', async () => {
    const { name, respond, closed } = await files();
    const { port, log, server } = await startServer(async () => {
      const response = await respond(0, bytes.length);
      await truncate(name, 300_000);
      return response;
    });
    const client = await RawClient.connect(port);
    client.send(get() + get('/next'));
    const text = await client.rest();
    expect(text.length - text.indexOf('\r\n\r\n') - 4).toBe(300_000);
    await pollUntil(() => server.connections === 0 && closed(), { what: 'the end of the connection' });
    expect(log).toMatchObject([{ level: 'error', fields: { code: 'XGI_HTTP_BODY_SHORT' } }]);
  });

  test('a client that goes away in the middle: the handle is closed, nothing is logged', async () => {
    const { name, closed, respond } = await files();
    await truncate(name, 50_000_000);
    let aborts = 0;
    const { port, server, log } = await startServer((request) => {
      request.onAbort(() => aborts++);
      return respond(0, 50_000_000);
    });
    const client = await RawClient.connect(port);
    client.send(get());
    await client.untilText('\r\n\r\n');
    client.reset();
    await pollUntil(() => closed() && server.connections === 0, { what: 'the handle to be closed' });
    expect([aborts, log]).toEqual([1, []]);
  });

  test('a slow client of a large file: two buffers are all there is in memory', async () => {
    const { name, respond, bytesRead } = await files();
    await truncate(name, 200_000_000);
    const { port } = await startServer(() => respond(0, 200_000_000));
    const before = process.memoryUsage().arrayBuffers;
    const client = await RawClient.connect(port);
    client.send(get());
    await client.untilText('\r\n\r\n');
    client.socket.pause();
    // Everything that can fill up is full when nothing more is read for some probes in a row.
    let last = bytesRead();
    let same = 0;
    await pollUntil(
      () => {
        same = bytesRead() === last ? same + 1 : 0;
        last = bytesRead();
        return same === 10;
      },
      { what: 'the progress to stop' },
    );
    expect(last).toBeLessThan(200_000_000);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(4_000_000);
  });

  test('of another length than Content-Length: a 502, the handle is closed', async () => {
    const { respond, closed } = await files();
    const { port } = await startServer(async () => ({
      ...(await respond(0, 10)),
      head: new ResponseHead(200, ['Content-Length', '20']),
    }));
    const client = await RawClient.connect(port);
    expect((await client.send(get()).response()).status).toBe(502);
    await pollUntil(closed, { what: 'the handle to be closed' });
  });

  test('longer than Content-Length: cut there', async () => {
    const { respond } = await files();
    const { port } = await startServer(async (request) =>
      request.path === '/'
        ? { ...(await respond(0, 300_000)), head: new ResponseHead(200, ['Content-Length', '10']) }
        : answer('next'),
    );
    const client = await RawClient.connect(port);
    client.send(get() + get('/next'));
    expect((await client.response()).body).toHaveLength(10);
    expect((await client.response()).body).toBe('next');
  });
});
