/**
 * A client that sends requests, or a body, without end and never reads an answer. A server that handles them all keeps all
 * answers in memory; one that reads ahead keeps all requests there. Here the next request waits until the answer before it has
 * nearly left, and the socket is not read beyond a bound.
 */
import { expect, test } from 'vitest';
import { RawClient } from '../support/http-client.js';
import { answer, startServer } from '../support/http-server.js';
import { pollUntil } from '../support/poll.js';

/** Writes until the kernel takes no more for a while; the bytes it took. */
async function flood(client: RawClient, piece: Buffer, atMost: number): Promise<number> {
  const { socket } = client;
  let last = performance.now();
  let taken = 0;
  const more = (): void => {
    last = performance.now();
    taken += piece.length;
    if (taken < atMost) socket.write(piece, (error) => (error ? undefined : more()));
  };
  socket.write(piece, (error) => (error ? undefined : more()));
  await pollUntil(() => performance.now() - last > 250 || taken >= atMost, { what: 'the flood to end' });
  return taken;
}

test('pipelined requests for large answers', async () => {
  const { port, seen, server } = await startServer(() => answer(Buffer.alloc(100_000, 'x')));
  const client = await RawClient.connect(port);
  client.socket.pause();
  const requests = Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(1000));
  const before = process.memoryUsage();
  const taken = await flood(client, requests, 40_000_000);
  expect(taken).toBeLessThan(40_000_000);
  // What the kernel's buffers hold of answers, and a few more.
  expect(seen.length).toBeLessThan(200);
  expect(server.connections).toBe(1);
  expect(process.memoryUsage().arrayBuffers - before.arrayBuffers).toBeLessThan(30_000_000);
});

test('pipelined requests for small answers', async () => {
  const { port, seen } = await startServer(() => answer('x'.repeat(100)));
  const client = await RawClient.connect(port);
  client.socket.pause();
  const requests = Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(1000));
  const taken = await flood(client, requests, 40_000_000);
  expect(taken).toBeLessThan(40_000_000);
  expect(seen.length).toBeLessThan(200_000);
});

test('requests behind one that takes its time', async () => {
  const { port, seen } = await startServer(() => new Promise(() => {}));
  const client = await RawClient.connect(port);
  const taken = await flood(
    client,
    Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(1000)),
    40_000_000,
  );
  expect(taken).toBeLessThan(20_000_000);
  expect(seen).toHaveLength(1);
});

test('a body that nobody asks for', async () => {
  const { port } = await startServer(() => new Promise(() => {}));
  const client = await RawClient.connect(port);
  client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n');
  expect(await flood(client, Buffer.alloc(100_000), 100_000_000)).toBeLessThan(20_000_000);
});

test('a body that is paused', async () => {
  let received = 0;
  const { port } = await startServer(
    (request) =>
      new Promise(() => {
        request.body!.consume({
          data: (chunk) => {
            received += chunk.length;
            request.body!.pause();
          },
          end() {},
          error() {},
        });
      }),
  );
  const client = await RawClient.connect(port);
  client.send('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n');
  expect(await flood(client, Buffer.from(`186a0\r\n${'x'.repeat(100_000)}\r\n`), 100_000_000)).toBeLessThan(
    20_000_000,
  );
  expect(received).toBeLessThan(200_000);
});
