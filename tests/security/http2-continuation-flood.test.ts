/**
 * A head without an end: HEADERS without END_HEADERS, then CONTINUATION frames for ever (CVE-2024-27983 and others). None of it becomes a request,
 * so no limit on requests sees it; memory and time are spent on it all the same.
 */
import { expect, test } from 'vitest';
import { CONTINUATION, frame, FrameClient, get, headerBlock, HEADERS } from '../support/http2-frames.js';
import { hello } from '../support/http-server.js';
import { startTlsServer } from '../support/tls-server.js';

test.each([
  ['small', 10],
  ['large', 16_000],
  ['empty', 0],
])('%s frames without end', async (_, bytes) => {
  const { port, seen, server } = await startTlsServer(hello);
  const client = await FrameClient.connect(port);
  const more = bytes === 0 ? Buffer.alloc(0) : headerBlock([['x-a', 'b'.repeat(bytes)]]);
  client.send(frame(HEADERS, 0, 1, headerBlock(get())));
  const before = process.memoryUsage().rss;
  for (let sent = 0; sent < 20_000 && !client.closed; sent++) {
    client.send(frame(CONTINUATION, 0, 1, more));
    if (sent % 50 === 0) await new Promise(setImmediate);
  }
  await client.untilClosed();
  expect(seen).toEqual([]);
  expect(process.memoryUsage().rss - before).toBeLessThan(100 * 2 ** 20);
  expect(server.connections).toBe(0);
});

test('a head that is never ended does not hold the connection longer than a slow head of HTTP/1.1', async () => {
  const { port, server } = await startTlsServer(hello, { deadlines: { headMs: 200 } });
  const client = await FrameClient.connect(port);
  client.send(frame(HEADERS, 0, 1, headerBlock(get())));
  await client.untilClosed();
  expect(server.connections).toBe(0);
});
