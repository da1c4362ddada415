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

const kilobytes = (count: number) =>
  Object.fromEntries(Array.from({ length: count / 5 }, (_, i) => [`x-${i}`, 'b'.repeat(5000)]));

test.each<[string, Record<string, string>, number]>([
  ['a long field', { 'x-a': 'b'.repeat(9000) }, 431],
  ['a field of nearly 64 KiB', { 'x-a': '~'.repeat(65_000) }, 431],
  ['a long path', { ':path': `/${'a'.repeat(5000)}` }, 414],
  ['a path of nearly 64 KiB', { ':path': `/${'~'.repeat(65_000)}` }, 414],
  ['a long head', kilobytes(70), 431],
  ['a head of twice the limit', kilobytes(130), 431],
  [
    'four times as many fields',
    Object.fromEntries(Array.from({ length: 395 }, (_, i) => [`x-${i}`, '1'])),
    431,
  ],
  // Far beyond the limits there is no answer any more.
  ['more fields than that', Object.fromEntries(Array.from({ length: 401 }, (_, i) => [`x-${i}`, '1'])), 0],
  ['a head of more than that', kilobytes(160), 0],
])('%s', async (_, fields, status) => {
  const { port, seen } = await startTlsServer(hello);
  const client = await connectHttp2(port, { maxSendHeaderBlockLength: 1e6 });
  // Its own settings have taken effect when the server has seen that they were received.
  expect((await request(client)).status).toBe(200);
  expect((await request(client, fields)).status).toBe(status);
  expect(seen).toHaveLength(1);
  expect((await request(client)).status).toBe(200);
});

test('a field of more than 64 KiB ends the connection, and no other', async () => {
  const { port, seen } = await startTlsServer(hello);
  const client = await connectHttp2(port, { maxSendHeaderBlockLength: 1e6 });
  const other = await connectHttp2(port);
  expect((await request(client, { 'x-a': '~'.repeat(70_000) })).status).toBe(0);
  await pollUntil(() => client.destroyed, { what: 'the end of the connection' });
  expect(seen).toEqual([]);
  expect((await request(other)).status).toBe(200);
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
