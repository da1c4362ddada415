/**
 * The cache of files is by path as the client wrote it, and one file has endless spellings (`/%61`). V8 keeps the whole of a string for as long as a
 * part of it lives: a key that is a part of a request's head would hold all 64 KiB of that, and the bound of the cache would count its path only.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, expect, test } from 'vitest';
import { toByteText } from '../../src/gateway/byte-text.js';
import { createStaticHandler } from '../../src/handlers/static/static.js';
import { RawClient } from '../support/http-client.js';
import { startServer } from '../support/http-server.js';
import { StaticFolder } from '../support/static-folder.js';

const NAME = 'abcdefghijklmnop.txt';
const SPELLINGS = 1000;
const FIELD = 'a'.repeat(8000);
const PADDING = Array.from({ length: 7 }, (_, i) => `X-${i}: ${FIELD}\r\n`).join('');

const folder = new StaticFolder({ [NAME]: 'content' });
afterAll(() => folder.remove());

test('what is kept of a path holds nothing else of its request', async () => {
  const { port, seen } = await startServer(createStaticHandler({ root: toByteText(folder.root) }));
  const client = await RawClient.connect(port);
  const before = usedBytes();
  for (let i = 0; i < SPELLINGS; i += 1) {
    client.send(`GET /${spelling(i)} HTTP/1.1\r\nHost: a\r\n${PADDING}\r\n`);
    expect((await client.response()).status).toBe(200);
  }
  // The test server's own list holds parts of the heads too.
  seen.length = 0;
  // Held, the heads are 56 MB.
  expect(usedBytes() - before).toBeLessThan(20_000_000);
});

/** One for each number below 65,536. */
function spelling(number: number): string {
  return Array.from(NAME, (char, bit) =>
    (number >> bit) % 2 === 1 && bit < 16 ? `%${char.charCodeAt(0).toString(16)}` : char,
  ).join('');
}

/** Of the heap, without garbage. */
function usedBytes(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}
