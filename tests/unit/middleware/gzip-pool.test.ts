import { randomBytes } from 'node:crypto';
import zlib from 'node:zlib';
import { expect, test } from 'vitest';
import { GzipPool } from '../../../src/middleware/compression/gzip-pool.js';

test('each body is a stream of its own, whatever was compressed before and beside it', async () => {
  const pool = new GzipPool({ level: 5, memLevel: 9, chunkSize: 32_768 }, 2_097_152);
  const text = Buffer.from('text that comes again and again; '.repeat(3000));
  // What cannot be made shorter takes many pieces of output.
  const bodies = Array.from({ length: 24 }, (_, i) =>
    i % 3 === 0 ? randomBytes(1_048_576) : text.subarray(i),
  );
  const coded = await Promise.all(bodies.map((bytes) => pool.encode(bytes)));
  for (const [i, bytes] of coded.entries()) expect(zlib.gunzipSync(bytes).equals(bodies[i]!)).toBe(true);
  expect((await pool.encode(text)).equals(zlib.gzipSync(text, { level: 5, memLevel: 9 }))).toBe(true);
});
