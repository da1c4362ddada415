import { describe, expect, test } from 'vitest';
import { parseDuration, parseSize } from '../../../src/config/units.js';

describe('parseDuration', () => {
  test.each([
    ['0', 0],
    ['30', 30_000],
    ['1.5', 1500],
    ['500ms', 500],
    ['30s', 30_000],
    ['2m', 120_000],
    ['1h', 3_600_000],
    ['0.001s', 1],
  ])('%s is %d ms', (text, durationMs) => {
    expect(parseDuration(text)).toBe(durationMs);
  });

  test.each(['', 's', '-1', '+1', ' 1', '1 s', '1e3', '0x10', '2d', '1.', '.5', '1m30s', 'Infinity', '1S'])(
    '%j is no duration',
    (text) => {
      expect(parseDuration(text)).toBeUndefined();
    },
  );
});

describe('parseSize', () => {
  test.each([
    ['0', 0],
    ['8190', 8190],
    ['1b', 1],
    ['64kb', 65_536],
    ['10mb', 10_485_760],
    ['1gb', 1_073_741_824],
    ['1.5KB', 1536],
    ['8GB', 8_589_934_592],
  ])('%s is %d bytes', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  test.each(['', 'kb', '-1', '1 kb', '10x', '1e6', '0x10', '1kib', '99999999999999gb'])(
    '%j is no size',
    (text) => {
      expect(parseSize(text)).toBeUndefined();
    },
  );
});
