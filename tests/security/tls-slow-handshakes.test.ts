/** Slowloris before HTTP: connections that never end their handshake, or send what is none. They count, and end after their time. */
import { expect, test } from 'vitest';
import { RawClient } from '../support/http-client.js';
import { hello } from '../support/http-server.js';
import { pollUntil } from '../support/poll.js';
import { connectHttp2, request, startTlsServer } from '../support/tls-server.js';

/** The head of a record with a ClientHello of 512 bytes, of which one comes. */
const BEGINNING = Buffer.from([22, 3, 1, 2, 0, 1]);

test('silent and slow ones end after the deadline, and a normal client is served meanwhile', async () => {
  const { port, server, seen } = await startTlsServer(hello, { deadlines: { handshakeMs: 1000 } });
  const slow = await Promise.all(Array.from({ length: 200 }, () => RawClient.connect(port)));
  for (const client of slow.slice(100)) client.send(BEGINNING);
  await pollUntil(() => server.connections === 200, { what: 'all connections to count' });
  expect((await request(await connectHttp2(port))).body).toBe('hello');
  await Promise.all(slow.map((client) => client.until(() => client.ended || client.closed, 'the end')));
  await pollUntil(() => server.connections <= 1, { what: 'none of them to count' });
  expect(seen).toHaveLength(1);
});

test('they count towards the limit of connections', async () => {
  const { port, server, log } = await startTlsServer(hello, { limits: { maxConnections: 10 } });
  const first = await Promise.all(Array.from({ length: 10 }, () => RawClient.connect(port)));
  await pollUntil(() => server.connections === 10, { what: 'ten connections' });
  const more = await RawClient.connect(port);
  await more.until(() => more.ended || more.closed, 'the end');
  expect(log.some(({ message }) => message.startsWith('XGI_HTTP_CONNECTIONS'))).toBe(true);
  for (const client of first) client.reset();
  await pollUntil(() => server.connections === 0, { what: 'their end' });
});

test.each([
  ['noise', Buffer.alloc(5000, 0xa7)],
  ['SSL 2', Buffer.from([0x80, 0x2e, 1, 0, 2])],
  ['a record that is too long', Buffer.from([22, 3, 1, 255, 255, ...Buffer.alloc(2000)])],
  [
    'plain HTTP with a body',
    Buffer.from('POST / HTTP/1.1\r\nContent-Length: 100000\r\n\r\n' + 'x'.repeat(100_000)),
  ],
])('%s ends it at once', async (_, bytes) => {
  const { port, server, seen } = await startTlsServer(hello, { deadlines: { handshakeMs: 500 } });
  const client = await RawClient.connect(port);
  client.send(bytes);
  await client.until(() => client.ended || client.closed, 'the end');
  await pollUntil(() => server.connections === 0, { what: 'the end of the connection' });
  expect(seen).toEqual([]);
});

test('a shutdown does not wait for them', async () => {
  const { port, server } = await startTlsServer(hello);
  const client = await RawClient.connect(port);
  client.send(BEGINNING);
  await pollUntil(() => server.connections === 1, { what: 'the connection' });
  const began = performance.now();
  await server.shutdown(20_000);
  expect(performance.now() - began).toBeLessThan(5000);
});
