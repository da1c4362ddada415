import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { contentRange, parseRange } from '../../../src/http/byte-ranges.js';

const part = (first: number, last: number) => ({ offset: first, length: last - first + 1 });

describe('of 1000 bytes', () => {
  test.each([
    ['bytes=0-499', [part(0, 499)]],
    ['BYTES=0-0', [part(0, 0)]],
    [' bytes=0-0 ', [part(0, 0)]],
    ['bytes=500-', [part(500, 999)]],
    ['bytes=-1', [part(999, 999)]],
    ['bytes=-5000', [part(0, 999)]],
    ['bytes=999-99999999999999999999999', [part(999, 999)]],
    ['bytes=0-0,-1', [part(0, 0), part(999, 999)]],
    ['bytes=-1, 0-0', [part(999, 999), part(0, 0)]],
    ['bytes=0-0,5000-,,-1,', [part(0, 0), part(999, 999)]],
    ['bytes=0-9,5-19', [part(0, 19)]],
    ['bytes=5-19,0-9', [part(0, 19)]],
    ['bytes=0-9,50-59', [part(0, 59)]],
    ['bytes=500-509,0-9,5-19', [part(0, 19), part(500, 509)]],
    ['bytes=0-999,100-200', [part(0, 999)]],
  ])('%s', (value, ranges) => expect(parseRange(value, 1000)).toEqual(ranges));

  test.each(['bytes=1000-', 'bytes=-0', 'bytes=1000-2000,5000-'])('%s: none', (value) => {
    expect(parseRange(value, 1000)).toBe('none');
  });

  test.each(
    [
      ['', 'bytes', 'bytes=', 'bytes=,', 'bytes=a-b', 'bytes=5-4', 'bytes=-', 'bytes=1-2-3', 'bytes= 1 - 2'],
      ['lines=0-1', 'bytes 0-1', 'bytes=0x1-2', 'bytes=+1-2', 'bytes=0-1;2-3', 'bytes=0-1,b'],
    ].flat(),
  )('%s does not count', (value) => expect(parseRange(value, 1000)).toBe('all'));

  test('32 parts are many enough, and 33 too many', () => {
    const ranges = (count: number) =>
      `bytes=${Array.from({ length: count }, (_, i) => `${i * 1000}-${i * 1000}`).join(',')}`;
    expect(parseRange(ranges(32), 1e6)).toHaveLength(32);
    expect(parseRange(ranges(33), 1e6)).toBe('all');
    expect(parseRange(ranges(50_000), 1e6)).toBe('all');
  });
});

test('of nothing, there is no part, and its end is all of it', () => {
  expect(parseRange('bytes=0-', 0)).toBe('none');
  expect(parseRange('bytes=-1', 0)).toBe('all');
});

test('parts lie within the representation, do not overlap, and cover what was asked for', () => {
  const spec = fc.oneof(
    fc.tuple(fc.nat(300), fc.nat(300)).map(([first, more]) => `${first}-${first + more}`),
    fc.nat(300).map((first) => `${first}-`),
    fc.nat(300).map((length) => `-${length}`),
  );
  fc.assert(
    fc.property(
      fc.array(spec, { minLength: 1, maxLength: 32 }),
      fc.integer({ min: 1, max: 250 }),
      (specs, size) => {
        const ranges = parseRange(`bytes=${specs.join(',')}`, size);
        expect(ranges).not.toBe('all');
        const sent = new Set<number>();
        for (const { offset, length } of ranges === 'none'
          ? []
          : (ranges as readonly { offset: number; length: number }[])) {
          expect(length).toBeGreaterThan(0);
          expect(offset + length).toBeLessThanOrEqual(size);
          for (let i = offset; i < offset + length; i++) {
            expect(sent.has(i)).toBe(false);
            sent.add(i);
          }
        }
        for (const text of specs) {
          const [first = '', last = ''] = text.split('-');
          const from = first === '' ? Math.max(0, size - Number(last)) : Number(first);
          const to = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1);
          for (let i = from; i <= to; i++) expect(sent.has(i)).toBe(true);
        }
      },
    ),
  );
});

test('Content-Range', () => {
  expect(contentRange(1234, part(0, 499))).toBe('bytes 0-499/1234');
  expect(contentRange(1234)).toBe('bytes */1234');
});
