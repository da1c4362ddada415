/**
 * A client that asks for much and takes nothing. What waits for it is in our memory; a thousand such clients are the end of a
 * server without a write deadline.
 */
import { expect, test } from 'vitest';
import { ResponseHead } from '../../src/http/response-head.js';
import { RawClient } from '../support/http-client.js';
import { answer, startServer } from '../support/http-server.js';
import { pollUntil } from '../support/poll.js';
import { quickest } from '../support/quickest.js';

test('is cut off after writeIdleMs, many at once, and their memory is free again', async () => {
  const body = Buffer.alloc(20_000_000);
  const { port, server, log, seen } = await startServer(
    () => ({ head: new ResponseHead(200), body: { kind: 'bytes', bytes: body } }),
    {
      deadlines: { writeIdleMs: 200 },
    },
  );
  const clients = await Promise.all(Array.from({ length: 50 }, () => RawClient.connect(port)));
  for (const client of clients) {
    client.socket.pause();
    client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  }
  await pollUntil(() => seen.length === 50, { what: 'the requests' });
  await pollUntil(() => server.connections === 0, { what: 'the end of the connections', deadlineMs: 20_000 });
  expect(log.filter(({ level }) => level === 'error')).toEqual([]);
  for (const client of clients) client.socket.destroy();
});

test('does not delay a reader that takes what it asked for', async () => {
  const { port } = await startServer((request) =>
    answer(Buffer.alloc(request.path === '/big' ? 20_000_000 : 1000, 'x')),
  );
  const stuck = await RawClient.connect(port);
  stuck.socket.pause();
  stuck.send('GET /big HTTP/1.1\r\nHost: a\r\n\r\n');
  const normal = await RawClient.connect(port);
  const tookMs = await quickest(3, async () => {
    for (let i = 0; i < 20; i++)
      expect((await normal.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n').response()).body).toHaveLength(1000);
  });
  expect(tookMs).toBeLessThan(1000);
});
