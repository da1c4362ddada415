/**
 * "Apache Killer" (CVE-2011-3192): a Range of a thousand overlapping parts had the server build an answer a thousand times as long as the file. An
 * answer to a Range is never much longer than the file, and few heads of parts are made.
 */
import { afterAll, expect, test } from 'vitest';
import { StaticFolder } from '../support/static-folder.js';

const SIZE = 400_000;
const folder = new StaticFolder({ 'small.bin': Buffer.alloc(10_000), 'large.bin': Buffer.alloc(SIZE) });
afterAll(() => folder.remove());

test.each([
  ['a thousand that overlap', `bytes=0-,${Array.from({ length: 1000 }, (_, i) => `5-${i}`).join(',')}`],
  ['thirty that overlap', `bytes=${Array.from({ length: 30 }, (_, i) => `${i}-`).join(',')}`],
  ['thirty of the whole', `bytes=${'0-,'.repeat(30)}`],
  ['six hundred of a byte', `bytes=${Array.from({ length: 600 }, (_, i) => `${i * 2}-${i * 2}`).join(',')}`],
  ['nothing but commas', `bytes=${','.repeat(7000)}`],
])('%s', async (_, range) => {
  const { get } = await folder.serve();
  for (const [target, size] of [
    ['/small.bin', 10_000],
    ['/large.bin', SIZE],
  ] as const) {
    const { status, body, complete } = await get(target, [`Range: ${range}`]);
    expect([200, 206]).toContain(status);
    expect(complete).toBe(true);
    expect(body.length).toBeLessThanOrEqual(size);
  }
});
