import { expect, test } from 'vitest';
import { Lifetime, NO_RECYCLING } from '../../../src/workers/recycling.js';

test('without limits, never', () => {
  const lifetime = new Lifetime(NO_RECYCLING);
  expect(lifetime.maxRequests).toBe(Infinity);
  expect(lifetime.limitsMemory).toBe(false);
  expect(lifetime.isTooOld(1e12)).toBe(false);
  expect(lifetime.isTooLarge(1e15)).toBe(false);
  expect(lifetime.isIntolerable(1e15)).toBe(false);
});

test.each([
  [0, 100],
  [0.5, 105],
  [0.999, 110],
])('jitter adds up to as many: %d', (random, expected) => {
  const limits = { ...NO_RECYCLING, maxRequests: 100, maxRequestsJitter: 10 };
  expect(new Lifetime(limits, () => random).maxRequests).toBe(expected);
});

test('jitter alone is no limit', () => {
  expect(new Lifetime({ ...NO_RECYCLING, maxRequestsJitter: 10 }).maxRequests).toBe(Infinity);
});

test('the age is reached in the last tenth', () => {
  const limits = { ...NO_RECYCLING, maxAgeMs: 1000 };
  const [early, late] = [new Lifetime(limits, () => 0.999), new Lifetime(limits, () => 0)];
  expect([early.isTooOld(899), early.isTooOld(901)]).toEqual([false, true]);
  expect([late.isTooOld(999), late.isTooOld(1000)]).toEqual([false, true]);
});

test('memory: first it is replaced, then it gets nothing more', () => {
  const lifetime = new Lifetime({ ...NO_RECYCLING, maxRssBytes: 100 });
  expect(lifetime.limitsMemory).toBe(true);
  expect([100, 101, 150, 151].map((bytes) => lifetime.isTooLarge(bytes))).toEqual([false, true, true, true]);
  expect([101, 150, 151].map((bytes) => lifetime.isIntolerable(bytes))).toEqual([false, false, true]);
});
