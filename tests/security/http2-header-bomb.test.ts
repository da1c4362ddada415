/**
 * Many or large fields in few bytes: HPACK lets a client name a large field that it has sent before with one byte. What counts is what comes out:
 * the limits of HTTP/1.1, cookie crumbs one by one.
 */
import { expect, test } from 'vitest';
import {
  END_HEADERS,
  END_STREAM,
  frame,
  FrameClient,
  get,
  headerBlock,
  HEADERS,
} from '../support/http2-frames.js';
import { hello } from '../support/http-server.js';
import { pollUntil } from '../support/poll.js';
import { connectHttp2, request, startTlsServer } from '../support/tls-server.js';

test.each([
  ['fields', 100, 200],
  ['fields', 101, 431],
  ['crumbs', 100, 200],
  ['crumbs', 101, 431],
])('%s: %i', async (kind, count, status) => {
  const { port, seen } = await startTlsServer(hello);
  const client = await connectHttp2(port, { maxSendHeaderBlockLength: 1e6 });
  const crumbs = Array.from({ length: count }, (_, i) => `c${i}=1`);
  const fields =
    kind === 'crumbs' ? { cookie: crumbs } : Object.fromEntries(crumbs.map((_, i) => [`x-${i}`, '1']));
  expect((await request(client, fields)).status).toBe(status);
  expect(seen.length).toBe(status === 200 ? 1 : 0);
  // The connection is good for another.
  expect((await request(client)).status).toBe(200);
});

test.each([
  ['a long field', { 'x-a': 'b'.repeat(9000) }, 431],
  ['a long path', { ':path': `/${'a'.repeat(5000)}` }, 414],
  ['a long head', Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`x-${i}`, 'b'.repeat(8000)])), 431],
])('%s', async (_, fields, status) => {
  const { port, seen } = await startTlsServer(hello);
  const client = await connectHttp2(port, { maxSendHeaderBlockLength: 1e6 });
  const answered = await request(client, fields as Record<string, string>);
  // Far beyond the limit there is no answer any more.
  expect([status, 0]).toContain(answered.status);
  expect(seen).toEqual([]);
  expect((await request(client)).status).toBe(200);
});

test('one field of 4,000 bytes, named ten thousand times', async () => {
  const { port, seen } = await startTlsServer(hello);
  const client = await FrameClient.connect(port);
  // A literal that is indexed (RFC 7541 section 6.2.1), then its index again and again.
  const [name, value] = ['x-bomb', 'b'.repeat(4000)];
  const literal = headerBlock([[name, value]]);
  literal[0] = 0x40;
  const block = Buffer.concat([headerBlock(get()), literal, Buffer.alloc(10_000, 0xbe)]);
  const before = process.memoryUsage().rss;
  for (let id = 1; id < 100 && !client.closed; id += 2)
    client.send(frame(HEADERS, END_HEADERS | END_STREAM, id, block));
  await pollUntil(() => client.closed || client.frames.filter(({ type }) => type === 3).length >= 40, {
    what: 'the streams to be reset',
  });
  expect(seen).toEqual([]);
  expect(process.memoryUsage().rss - before).toBeLessThan(100 * 2 ** 20);
});
