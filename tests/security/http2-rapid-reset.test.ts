/**
 * Rapid reset (CVE-2023-44487). A client opens streams and resets them at once: no limit of streams at a time holds it back, and each one has
 * cost a request by then. It is told to calm down, and its connection is closed.
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
  RST_STREAM,
  uint32,
} from '../support/http2-frames.js';
import { answer } from '../support/http-server.js';
import { pollUntil } from '../support/poll.js';
import { connectHttp2, request, startTlsServer } from '../support/tls-server.js';

const ENHANCE_YOUR_CALM = 11;
const CANCEL = uint32(8);

test('a connection that does little else than resetting is closed; others go on', async () => {
  const { port, seen, log } = await startTlsServer(({ path }) =>
    path === '/normal' ? answer('ok') : new Promise(() => {}),
  );
  const normal = await connectHttp2(port);
  const client = await FrameClient.connect(port);
  const block = headerBlock(get());
  for (let id = 1; id < 20_000 && !client.closed; id += 2) {
    client.send(frame(HEADERS, END_HEADERS | END_STREAM, id, block), frame(RST_STREAM, 0, id, CANCEL));
    // So that each is seen as a request, and not as something that never was.
    if (id % 100 === 1) await new Promise(setImmediate);
  }
  await client.untilClosed();
  expect(client.goneAway).toBe(ENHANCE_YOUR_CALM);
  expect(log.filter(({ message }) => message.startsWith('XGI_HTTP2_RESETS'))).toHaveLength(1);
  expect(seen.length).toBeLessThan(1000);
  expect((await request(normal, { ':path': '/normal' })).body).toBe('ok');
});

test('each of them is aborted', async () => {
  let aborted = 0;
  const { port } = await startTlsServer((given) => {
    given.onAbort(() => aborted++);
    return new Promise(() => {});
  });
  const client = await FrameClient.connect(port);
  for (let id = 1; id < 200; id += 2)
    client.send(frame(HEADERS, END_HEADERS | END_STREAM, id, headerBlock(get())));
  await client.until(4);
  for (let id = 1; id < 200; id += 2) client.send(frame(RST_STREAM, 0, id, CANCEL));
  await pollUntil(() => aborted === 100, { what: 'all requests to be aborted' });
  expect(client.closed).toBe(false);
});

test('no more than a hundred streams at a time', async () => {
  const { port, seen } = await startTlsServer(() => new Promise(() => {}));
  const client = await FrameClient.connect(port);
  for (let id = 1; id < 400; id += 2)
    client.send(frame(HEADERS, END_HEADERS | END_STREAM, id, headerBlock(get())));
  await pollUntil(() => client.of(RST_STREAM).length === 100 || client.closed, {
    what: 'the others to be refused',
  });
  expect(seen.length).toBeLessThanOrEqual(100);
});
