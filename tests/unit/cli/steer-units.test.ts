import { expect, test } from 'vitest';
import { formatCount, formatDuration, formatSize } from '../../../src/cli/steer-units.js';

test.each([
  [0, '0ms'],
  [350.4, '350ms'],
  [1000, '1s'],
  [4250, '4.2s'],
  [59_999, '59.9s'],
  [60_000, '1m 0s'],
  [192_000, '3m 12s'],
  [18_000_000, '5h 0m'],
  [86_399_999, '23h 59m'],
  [1_047_600_000, '12d 3h'],
])('%d ms is %s', (milliseconds, text) => {
  expect(formatDuration(milliseconds)).toBe(text);
});

test.each([
  [0, '0b'],
  [1023, '1023b'],
  [1024, '1.0kb'],
  [47_395_635, '45.2mb'],
  [1024 ** 2 - 1, '1.0mb'],
  [5 * 1024 ** 3, '5.0gb'],
  [5000 * 1024 ** 4, '5000.0tb'],
])('%d bytes are %s', (bytes, text) => {
  expect(formatSize(bytes)).toBe(text);
});

test('counts', () => {
  expect(formatCount(1_234_567)).toBe('1,234,567');
});
