/**
 * The buckets of a rate limit are by a field that the client writes. V8 keeps the whole of a string for as long as a part of it lives: a key that is
 * a part of a request's head would hold all 64 KiB of that, for 100,000 keys; and a long key would be kept at its length.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { rateLimit } from '../../src/middleware/rate-limit.js';
import { RawClient } from '../support/http-client.js';
import { answer } from '../support/http-server.js';
import { startMiddleware } from '../support/middleware-site.js';

const KEYS = 1000;
const FIELD = 'a'.repeat(8000);
const PADDING = Array.from({ length: 6 }, (_, i) => `X-${i}: ${FIELD}\r\n`).join('');

test.each([
  ['short', (i: number) => `key-${i}-0123456789abcdef`],
  ['long', (i: number) => `${i}${FIELD}`],
])('what is kept of a %s key is little, and nothing else of its request', async (_, keyOf) => {
  const limit = rateLimit({ limit: 2, by: { field: 'X-Key' } });
  const { port, seen } = await startMiddleware([limit], () => answer('ok'));
  const client = await RawClient.connect(port);
  const send = async (key: string, padding: string): Promise<number> =>
    (await client.send(`GET / HTTP/1.1\r\nHost: a\r\nX-Key: ${key}\r\n${padding}\r\n`).response()).status;
  const before = usedBytes();
  for (let i = 0; i < KEYS; i += 1) expect(await send(keyOf(i), PADDING)).toBe(200);
  // The test server's own list holds parts of the heads too.
  seen.length = 0;
  // Held, the heads are 56 MB.
  expect(usedBytes() - before).toBeLessThan(6_000_000);
  // Keys are told apart all the same.
  expect([await send(keyOf(1), ''), await send(keyOf(1), ''), await send(keyOf(2), '')]).toEqual([
    200, 429, 200,
  ]);
});

function usedBytes(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  return process.memoryUsage().heapUsed;
}
