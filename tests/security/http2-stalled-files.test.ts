/** A client that asks for a large file on each of its streams and takes none: a hundred times the memory that a connection of HTTP/1.1 has for one. */
import { writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { ResponseHead } from '../../src/http/response-head.js';
import {
  END_HEADERS,
  END_STREAM,
  frame,
  FrameClient,
  get,
  headerBlock,
  HEADERS,
} from '../support/http2-frames.js';
import { pollUntil } from '../support/poll.js';
import { makeTempDir } from '../support/temp-dir.js';
import { startTlsServer } from '../support/tls-server.js';

/** SETTINGS_INITIAL_WINDOW_SIZE 0. */
const NO_WINDOW = Buffer.from([0, 4, 0, 0, 0, 0]);
const STREAMS = 100;
const CLIENTS = 4;

test('memory is bounded, and the files are closed when the client has gone', async () => {
  const file = path.join(makeTempDir(), 'large');
  writeFileSync(file, Buffer.alloc(2_000_000));
  const handles: { fd: number }[] = [];
  const { port } = await startTlsServer(async () => {
    const handle = await open(file);
    handles.push(handle);
    return {
      head: new ResponseHead(200),
      body: { kind: 'file', file: { handle, pieces: [{ offset: 0, length: 2_000_000 }] } },
    };
  });
  const before = process.memoryUsage().rss;
  const clients: FrameClient[] = [];
  for (let i = 0; i < CLIENTS; i++) {
    const client = await FrameClient.connect(port, NO_WINDOW);
    clients.push(client);
    for (let stream = 0; stream < STREAMS; stream++)
      client.send(frame(HEADERS, END_HEADERS | END_STREAM, 1 + 2 * stream, headerBlock(get())));
  }
  for (const client of clients)
    await pollUntil(() => client.of(HEADERS).length === STREAMS, { what: 'all heads' });
  // 51 MB, where it was 205.
  expect(process.memoryUsage().rss - before).toBeLessThan(CLIENTS * 25 * 2 ** 20);
  for (const client of clients) client.socket.destroy();
  await pollUntil(() => handles.every(({ fd }) => fd === -1), { what: 'the files to be closed' });
});
