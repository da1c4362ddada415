/**
 * A client that asks for much and opens no window for it: what it has asked for waits in memory, and whoever makes it waits too. The write
 * deadline counts for each stream.
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
  WINDOW_UPDATE,
} from '../support/http2-frames.js';
import { answer, streamed, TestSource } from '../support/http-server.js';
import { pollUntil } from '../support/poll.js';
import { startTlsServer } from '../support/tls-server.js';

/** SETTINGS_INITIAL_WINDOW_SIZE 0. */
const NO_WINDOW = Buffer.from([0, 4, 0, 0, 0, 0]);
const LARGE = Buffer.alloc(10_000_000);

test.each([
  ['a small answer', () => answer('hello')],
  ['a large answer', () => answer(LARGE)],
  ['a stream', () => streamed(new TestSource((sink) => sink.data(LARGE)))],
])('%s that nobody takes is cut off', async (_, handler) => {
  const { port, server } = await startTlsServer(handler, {
    deadlines: { writeIdleMs: 200, keepAliveMs: 300 },
  });
  const client = await FrameClient.connect(port, NO_WINDOW);
  client.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, headerBlock(get())));
  const { payload } = await client.until(RST_STREAM, 1);
  expect(payload.readUInt32BE()).not.toBe(0);
  await pollUntil(() => server.connections === 0, { what: 'the end of the idle connection' });
});

test('a source is told, and no handle is kept', async () => {
  const source = new TestSource((sink) => sink.data(LARGE));
  const { port } = await startTlsServer(() => streamed(source), { deadlines: { writeIdleMs: 200 } });
  const client = await FrameClient.connect(port, NO_WINDOW);
  client.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, headerBlock(get())));
  await pollUntil(() => source.cancelled === 1, { what: 'the source to be cancelled' });
});

test('a slow client that takes something is not cut off', async () => {
  const { port } = await startTlsServer(() => answer(Buffer.alloc(200_000)), {
    deadlines: { writeIdleMs: 1000 },
  });
  const client = await FrameClient.connect(port, NO_WINDOW);
  client.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, headerBlock(get())));
  client.send(frame(WINDOW_UPDATE, 0, 0, uint32(1_000_000)));
  const received = (): number => client.of(0, 1).reduce((sum, { payload }) => sum + payload.length, 0);
  for (let bytes = 20_000; bytes <= 200_000; bytes += 20_000) {
    client.send(frame(WINDOW_UPDATE, 0, 1, uint32(20_000)));
    await pollUntil(() => received() >= bytes, { what: `${bytes} bytes` });
    // As slow as can be without being too slow.
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  expect(client.of(RST_STREAM)).toEqual([]);
  expect(received()).toBe(200_000);
});
