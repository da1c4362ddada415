/** Frames that cost the client nothing and the server an answer each: SETTINGS, PING; and a client that reads none of the answers. */
import { expect, test } from 'vitest';
import { frame, FrameClient, PING, SETTINGS } from '../support/http2-frames.js';
import { hello } from '../support/http-server.js';
import { connectHttp2, request, startTlsServer } from '../support/tls-server.js';

test.each([
  ['PING', frame(PING, 0, 0, Buffer.alloc(8))],
  ['SETTINGS', frame(SETTINGS, 0, 0, Buffer.from([0, 4, 0, 1, 0, 0]))],
])('%s without reading the answers: memory is bounded', async (_, flood) => {
  const { port } = await startTlsServer(hello);
  const client = await FrameClient.connect(port);
  client.socket.pause();
  const many = Buffer.concat(Array.from({ length: 1000 }, () => flood));
  const before = process.memoryUsage().rss;
  for (let sent = 0; sent < 300 && !client.socket.destroyed; sent++) {
    // What is not taken any more would fill our own memory.
    if (client.socket.writableLength < 2 ** 20) client.send(many);
    await new Promise(setImmediate);
  }
  expect(process.memoryUsage().rss - before).toBeLessThan(100 * 2 ** 20);
  expect((await request(await connectHttp2(port))).body).toBe('hello');
});

test('what is no HTTP/2 ends the connection', async () => {
  const { port, server } = await startTlsServer(hello, { deadlines: { headMs: 200 } });
  const client = await FrameClient.connect(port);
  client.socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(10));
  await client.untilClosed();
  expect(server.connections).toBe(0);
});
