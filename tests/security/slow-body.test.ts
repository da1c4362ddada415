/**
 * A body that comes a byte at a time (R.U.D.Y.). Each byte is within the idle time, the whole takes days, and behind it an
 * application waits, or a spooled file grows. The average has to reach a minimum, or the answer is 408.
 */
import { expect, test } from 'vitest';
import { RawClient } from '../support/http-client.js';
import { echo, startServer } from '../support/http-server.js';
import { quickest } from '../support/quickest.js';

test.each([
  ['of known length', 'Content-Length: 1000000\r\n', 'x', [408]],
  ['chunked', 'Transfer-Encoding: chunked\r\n', '1\r\nx\r\n', [408]],
  // 400 if the extension has become too long before.
  ['chunked, and only the framing comes', 'Transfer-Encoding: chunked\r\n', '1;a', [400, 408]],
])('%s', async (_name, fields, piece, statuses) => {
  const { port } = await startServer(echo, { deadlines: { bodyIdleMs: 120, bodyMinBytesPerSecond: 500 } });
  const client = await RawClient.connect(port);
  client.send(`POST / HTTP/1.1\r\nHost: a\r\n${fields}\r\n`);
  const start = performance.now();
  let sent = 0;
  while (!client.ended && !client.closed && performance.now() - start < 5000) {
    client.send(piece.slice(sent % piece.length, (sent % piece.length) + 1));
    sent++;
    // The pace is the attack.
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  expect((await client.response()).status).toBeOneOf(statuses);
  expect(performance.now() - start).toBeLessThan(5000);
});

test('somebody else is served meanwhile', async () => {
  const { port } = await startServer(echo);
  const slow = await Promise.all(Array.from({ length: 100 }, () => RawClient.connect(port)));
  for (const client of slow) client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nx');
  const normal = await RawClient.connect(port);
  const tookMs = await quickest(3, async () => {
    normal.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx');
    expect((await normal.response()).body).toBe('POST /\nx');
  });
  expect(tookMs).toBeLessThan(500);
  for (const client of slow) client.socket.destroy();
});
