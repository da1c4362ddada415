import { describe, expect, test } from 'vitest';
import { Backoff } from '../../../src/workers/backoff.js';

const pauses = (...lives: readonly number[]): number[] => {
  const backoff = new Backoff();
  return lives.map((livedMs) => backoff.next(livedMs, false));
};

describe('Backoff', () => {
  test('the first one is replaced at once, then ever later, to half a minute', () => {
    expect(pauses(...Array.from({ length: 13 }, () => 50))).toEqual([
      0, 100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000, 30_000,
    ]);
  });

  test('one that had lived long begins anew', () => {
    expect(pauses(50, 50, 50, 10_000, 50, 50)).toEqual([0, 100, 200, 0, 0, 100]);
  });

  test('one that had been serving is replaced within half a second, however often', () => {
    const backoff = new Backoff();
    const served = Array.from({ length: 100 }, () => backoff.next(50, true));
    expect(served.slice(0, 5)).toEqual([0, 100, 200, 400, 500]);
    expect(Math.max(...served)).toBe(500);
  });

  test('never more than the longest pause, whatever comes', () => {
    expect(Math.max(...pauses(...Array.from({ length: 2000 }, () => 0)))).toBe(30_000);
  });
});
