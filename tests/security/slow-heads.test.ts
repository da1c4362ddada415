/**
 * Slowloris. Very many connections that each send a byte of a head now and then. A server with a thread or a worker for each
 * connection has none left for anybody else. Here each costs a little memory, for as long as `headMs`.
 */
import { expect, test } from 'vitest';
import { RawClient } from '../support/http-client.js';
import { hello, startServer } from '../support/http-server.js';
import { pollUntil } from '../support/poll.js';

test('a thousand slow heads, and a normal client is served without delay', async () => {
  const { port, server, seen } = await startServer(hello, { deadlines: { headMs: 6000 } });
  const slow = await Promise.all(Array.from({ length: 1000 }, () => RawClient.connect(port)));
  await pollUntil(() => server.connections === 1000, { what: 'a thousand connections' });
  for (const client of slow) client.send('GET / HTTP/1.1\r\nHost: a\r\n');
  const normal = await RawClient.connect(port);
  const times: number[] = [];
  for (let round = 0; round < 20; round++) {
    for (const client of slow.slice(round * 50, round * 50 + 50)) client.send('X: y\r\n');
    const start = performance.now();
    expect((await normal.send('GET /normal HTTP/1.1\r\nHost: a\r\n\r\n').response()).body).toBe('hello');
    times.push(performance.now() - start);
  }
  // The quickest quarter: this process is client and server, and the machine may be busy.
  expect(times.toSorted((a, b) => a - b)[5]).toBeLessThan(50);
  // All are gone after their time, each with a 408, and none was handled.
  await Promise.all(slow.map((client) => client.until(() => client.ended || client.closed, 'the end')));
  expect(new Set(slow.map((client) => client.received.slice(9, 12)))).toEqual(new Set(['408']));
  for (const client of slow) client.socket.destroy();
  expect(new Set(seen)).toEqual(new Set(['GET /normal']));
});
