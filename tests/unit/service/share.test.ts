import fc from 'fast-check';
import { expect, test } from 'vitest';
import { shareWorkers } from '../../../src/service/share.js';

test.each([
  [{ min: 4, max: 4 }, 1, ['4..4']],
  [{ min: 4, max: 4 }, 2, ['2..2', '2..2']],
  [{ min: 5, max: 5 }, 3, ['2..2', '2..2', '1..1']],
  [{ min: 2, max: 7 }, 2, ['1..4', '1..3']],
])('%j among %d', (range, gateways, expected) => {
  expect(shareWorkers(range, gateways).map(({ min, max }) => `${min}..${max}`)).toEqual(expected);
});

test('adds up, differs by one at the most, and gives each a worker', () => {
  const anyCase = fc
    .tuple(fc.integer({ min: 1, max: 64 }), fc.nat(1000), fc.nat(1000))
    .map(([gateways, more, span]) => ({ gateways, min: gateways + more, max: gateways + more + span }));
  fc.assert(
    fc.property(anyCase, ({ gateways, min, max }) => {
      const shares = shareWorkers({ min, max }, gateways);
      expect(shares.length).toBe(gateways);
      for (const [end, total] of [
        ['min', min],
        ['max', max],
      ] as const) {
        const parts = shares.map((share) => share[end]);
        expect(parts.reduce((sum, part) => sum + part)).toBe(total);
        expect(Math.max(...parts) - Math.min(...parts)).toBeLessThanOrEqual(1);
      }
      expect(shares.every((share) => share.min >= 1 && share.min <= share.max)).toBe(true);
    }),
  );
});
