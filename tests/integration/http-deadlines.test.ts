/**
 * Every deadline and every limit, with values short enough for a test.
 *
 * The waits of fixed length are what is tested: a client or a handler that takes longer than one deadline, or less than it.
 */
import { describe, expect, test } from 'vitest';
import { RawClient } from '../support/http-client.js';
import {
  answer,
  deferred,
  echo,
  hello,
  readBody,
  startServer,
  streamed,
  TestSource,
} from '../support/http-server.js';
import { pollUntil } from '../support/poll.js';

const get = (target = '/'): string => `GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`;
const post = (fields: string, body = ''): string => `POST / HTTP/1.1\r\nHost: a\r\n${fields}\r\n${body}`;

/** Sends a piece every few milliseconds until the server has enough of it, or `count` times. */
async function trickle(client: RawClient, piece: string, count = Infinity, everyMs = 15): Promise<void> {
  for (let i = 0; i < count && !client.ended && !client.closed; i++) {
    client.send(piece);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}

/** Milliseconds until the server's end. */
async function msToEnd(client: RawClient): Promise<number> {
  const start = performance.now();
  await client.until(() => client.ended || client.closed, 'the end');
  return performance.now() - start;
}

describe('head', () => {
  const deadlines = { headMs: 120 };

  test('that does not end: 408', async () => {
    const { port, seen } = await startServer(hello, { deadlines });
    const client = await RawClient.connect(port);
    const start = performance.now();
    client.send('GET / HTTP/1.1\r\nHost: a\r\n');
    expect(await client.response()).toMatchObject({
      status: 408,
      fields: { connection: 'close' },
      body: expect.stringContaining('XGI_HTTP_HEAD_SLOW'),
    });
    expect(performance.now() - start).toBeGreaterThan(110);
    await client.expectEnd();
    expect(seen).toEqual([]);
  });

  test('that trickles: 408, whatever comes', async () => {
    const { port } = await startServer(hello, { deadlines });
    const client = await RawClient.connect(port);
    client.send('GET / HTTP/1.1\r\n');
    await trickle(client, 'X: y\r\n');
    expect((await client.response()).status).toBe(408);
  });

  test('of a second request: its own time, from its first byte', async () => {
    const { port } = await startServer(hello, { deadlines: { headMs: 150, keepAliveMs: 5000 } });
    const client = await RawClient.connect(port);
    await client.send(get()).response();
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(client.ended).toBe(false);
    client.send('GET / HT');
    const start = performance.now();
    expect((await client.response()).status).toBe(408);
    expect(performance.now() - start).toBeGreaterThan(140);
  });

  test('that was answered in time is not troubled later', async () => {
    const { port } = await startServer(
      async () => {
        await new Promise((resolve) => setTimeout(resolve, 250));
        return answer('late');
      },
      { deadlines },
    );
    const client = await RawClient.connect(port);
    expect((await client.send(get()).response()).body).toBe('late');
  });

  test('a connection that never says a word is closed without one', async () => {
    const { port } = await startServer(hello, { deadlines });
    const client = await RawClient.connect(port);
    await client.expectEnd();
  });
});

describe('keep-alive', () => {
  test('an idle connection is closed', async () => {
    const { port } = await startServer(hello, { deadlines: { keepAliveMs: 100 } });
    const client = await RawClient.connect(port);
    await client.send(get()).response();
    expect(await msToEnd(client)).toBeGreaterThan(90);
    expect(client.received).toBe('');
  });

  test('each request gives new time', async () => {
    const { port } = await startServer(hello, { deadlines: { keepAliveMs: 150 } });
    const client = await RawClient.connect(port);
    for (let i = 0; i < 5; i++) {
      await client.send(get()).response();
      await new Promise((resolve) => setTimeout(resolve, 60));
    }
    expect(client.ended).toBe(false);
  });

  test('keepAliveMs 0 closes after each response, and says so', async () => {
    const { port } = await startServer(hello, { deadlines: { keepAliveMs: 0 } });
    const client = await RawClient.connect(port);
    expect((await client.send(get()).response()).fields['connection']).toBe('close');
    await client.expectEnd();
  });

  test('an empty line behind a body is not the beginning of a head', async () => {
    const { port } = await startServer(echo, { deadlines: { headMs: 80, keepAliveMs: 400 } });
    const client = await RawClient.connect(port);
    await client.send(`${post('Content-Length: 1\r\n', 'x')}\r\n`).response();
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect((await client.send(get()).response()).body).toBe('GET /\n');
    client.send('\r\n').end();
    await client.expectEnd();
  });

  test('the time does not run while the client still takes the answer', async () => {
    const { port } = await startServer(() => answer(Buffer.alloc(12_000_000, 'x')), {
      deadlines: { keepAliveMs: 60, headMs: 60 },
    });
    const client = await RawClient.connect(port);
    // The second request waits behind the first answer, complete.
    client.send(get('/1') + get('/2'));
    await client.untilText('\r\n\r\n');
    client.socket.pause();
    await new Promise((resolve) => setTimeout(resolve, 300));
    client.socket.resume();
    expect(await client.response()).toMatchObject({ status: 200 });
    expect(await client.response()).toMatchObject({ status: 200 });
  });
});

describe('request body', () => {
  test('that pauses: 408, and the consumer is told', async () => {
    const failed = deferred<Error>();
    const { port } = await startServer(
      (request) =>
        readBody(request).then(
          () => answer(),
          (error: Error) => {
            failed.resolve(error);
            throw error;
          },
        ),
      { deadlines: { bodyIdleMs: 100 } },
    );
    const client = await RawClient.connect(port);
    client.send(post('Content-Length: 10\r\n', 'abc'));
    expect(await client.response()).toMatchObject({
      status: 408,
      body: expect.stringContaining('XGI_HTTP_BODY_IDLE'),
    });
    await client.expectEnd();
    expect(await failed.promise).toMatchObject({ code: 'XGI_HTTP_BODY_IDLE' });
  });

  test('that comes too slowly on average: 408', async () => {
    const { port } = await startServer(echo, { deadlines: { bodyIdleMs: 150, bodyMinBytesPerSecond: 1000 } });
    const client = await RawClient.connect(port);
    client.send(post('Content-Length: 1000\r\n'));
    await trickle(client, 'x', 1000, 20);
    expect(await client.response()).toMatchObject({
      status: 408,
      body: expect.stringContaining('XGI_HTTP_BODY_SLOW'),
    });
  });

  test('that is slow but fast enough', async () => {
    const { port } = await startServer(echo, { deadlines: { bodyIdleMs: 150, bodyMinBytesPerSecond: 100 } });
    const client = await RawClient.connect(port);
    client.send(post('Content-Length: 200\r\n'));
    await trickle(client, 'x'.repeat(10), 20, 20);
    expect((await client.response()).status).toBe(200);
  });

  test('does not run while the handler does not read', async () => {
    const { port } = await startServer(
      async (request) => {
        await new Promise((resolve) => setTimeout(resolve, 250));
        return echo(request);
      },
      { deadlines: { bodyIdleMs: 80 } },
    );
    const client = await RawClient.connect(port);
    client.send(post('Content-Length: 3\r\n', 'ab'));
    setTimeout(() => client.send('c'), 200);
    expect((await client.response()).body).toBe('POST /\nabc');
  });

  test('does not run while the handler pauses', async () => {
    const resumed = deferred();
    const { port } = await startServer(
      (request) =>
        new Promise((resolve, reject) => {
          let body = '';
          request.body!.consume({
            data: (chunk) => {
              body += chunk.toString();
              if (body.length > 1) return;
              request.body!.pause();
              setTimeout(() => {
                request.body!.resume();
                resumed.resolve();
              }, 200);
            },
            end: () => resolve(answer(body)),
            error: reject,
          });
        }),
      { deadlines: { bodyIdleMs: 90, bodyMinBytesPerSecond: 100 } },
    );
    const client = await RawClient.connect(port);
    client.send(post('Content-Length: 2\r\n', 'a'));
    await resumed.promise;
    // Long enough for the deadlines to be looked at, shorter than they are.
    await new Promise((resolve) => setTimeout(resolve, 50));
    client.send('b');
    expect((await client.response()).body).toBe('ab');
  });

  test('that is dropped: its pause ends the connection after the whole answer', async () => {
    const { port } = await startServer(hello, { deadlines: { bodyIdleMs: 80 } });
    const client = await RawClient.connect(port);
    client.send(post('Content-Length: 10\r\n', 'abc'));
    expect((await client.response()).body).toBe('hello');
    await client.expectEnd();
    expect(client.error).toBeUndefined();
  });
});

describe('writing', () => {
  test('a client that takes nothing: the connection is destroyed, the source is cancelled', async () => {
    const source = new TestSource((sink) => {
      for (let i = 0; i < 100; i++) sink.data(Buffer.alloc(200_000));
    });
    let aborts = 0;
    const { port, server } = await startServer(
      (request) => {
        request.onAbort(() => aborts++);
        return streamed(source);
      },
      { deadlines: { writeIdleMs: 120 } },
    );
    const client = await RawClient.connect(port);
    client.socket.pause();
    client.send(get());
    await pollUntil(() => source.cancelled === 1, { what: 'the cancel', deadlineMs: 4000 });
    expect([server.connections, aborts]).toEqual([0, 1]);
  });

  test('a client that takes nothing of a finished answer', async () => {
    const { port, server, seen } = await startServer(() => answer(Buffer.alloc(20_000_000)), {
      deadlines: { writeIdleMs: 120 },
    });
    const client = await RawClient.connect(port);
    client.socket.pause();
    client.send(get());
    await pollUntil(() => seen.length === 1, { what: 'the request' });
    await pollUntil(() => server.connections === 0, { what: 'the end of the connection', deadlineMs: 4000 });
  });

  test.each([
    ['one block of bytes', () => answer(Buffer.alloc(16_000_000, 'x'))],
    [
      'a stream of blocks',
      () =>
        streamed(
          new TestSource((sink) => {
            for (let i = 0; i < 16; i++) sink.data(Buffer.alloc(1_000_000, 'x'));
            sink.end();
          }),
        ),
    ],
  ] as const)('a client that takes slowly but steadily gets all of %s', async (_name, respond) => {
    const { port } = await startServer(respond, { deadlines: { writeIdleMs: 200 } });
    const client = await RawClient.connect(port);
    client.socket.pause();
    client.send(get());
    // A megabyte at a time: the whole takes several times the deadline, no pause is as long as it.
    const response = client.response();
    while (client.received.length < 15_000_000 && !client.ended) {
      const wanted = client.received.length + 1_000_000;
      client.socket.resume();
      await client.until(() => client.received.length >= wanted || client.ended, 'a megabyte');
      client.socket.pause();
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    client.socket.resume();
    expect((await response).body).toHaveLength(16_000_000);
  });
});

describe('limits', () => {
  test.each([
    [414, get(`/${'x'.repeat(5000)}`)],
    [431, `GET / HTTP/1.1\r\nHost: a\r\n${'X: y\r\n'.repeat(200)}\r\n`],
    [431, `GET / HTTP/1.1\r\nHost: a\r\nX: ${'y'.repeat(9000)}\r\n\r\n`],
    [431, `GET / HTTP/1.1\r\nHost: a\r\n${`X: ${'y'.repeat(8000)}\r\n`.repeat(9)}\r\n`],
    [413, post('Content-Length: 1001\r\n')],
    [413, post('Transfer-Encoding: chunked\r\n', `1f4\r\n${'x'.repeat(500)}\r\n1f5\r\n`)],
  ])('%d, a closed connection, and nothing behind it is handled', async (status, text) => {
    const { port } = await startServer(echo, { limits: { maxBodyBytes: 1000 } });
    const client = await RawClient.connect(port);
    client.send(text);
    const response = await client.response();
    expect([response.status, response.fields['connection']]).toEqual([status, 'close']);
    client.send(get('/next'));
    await client.expectEnd();
    expect(client.error).toBeUndefined();
  });

  test('maxConnections: further ones are closed at once, and when one leaves another may come', async () => {
    const { port, server, log } = await startServer(hello, { limits: { maxConnections: 2 } });
    const [first, second] = [await RawClient.connect(port), await RawClient.connect(port)];
    await first.send(get()).response();
    await second.send(get()).response();
    for (let i = 0; i < 3; i++) {
      const third = await RawClient.connect(port);
      await third.expectEnd();
    }
    expect(log.filter(({ level }) => level === 'warn')).toHaveLength(1);
    first.socket.destroy();
    await pollUntil(() => server.connections === 1, { what: 'the place' });
    const fourth = await RawClient.connect(port);
    expect((await fourth.send(get()).response()).body).toBe('hello');
    expect((await second.send(get()).response()).body).toBe('hello');
  });
});
