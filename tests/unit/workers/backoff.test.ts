import { describe, expect, test } from 'vitest';
import { Backoff } from '../../../src/workers/backoff.js';

/** Workers that could not load the application, and how long they had lived. */
const pauses = (...lives: readonly number[]): number[] => {
  const backoff = new Backoff();
  return lives.map((livedMs) => backoff.next(1000 + livedMs, 1000, false));
};

/** One that had been serving ends every so many milliseconds. */
const served = (count: number, everyMs: number): number[] => {
  const backoff = new Backoff();
  return Array.from({ length: count }, (_, index) => backoff.next(1000 + index * everyMs, 0, true));
};

describe('one that could not load the application', () => {
  test('the first is replaced at once, then ever later, to half a minute', () => {
    expect(pauses(...Array.from({ length: 13 }, () => 50))).toEqual([
      0, 100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000, 30_000,
    ]);
  });

  test('one that had lived long begins anew', () => {
    expect(pauses(50, 50, 50, 10_000, 50, 50)).toEqual([0, 100, 200, 0, 0, 100]);
  });

  test('one that loads it makes good for those before', () => {
    const backoff = new Backoff();
    for (let i = 0; i < 5; i++) backoff.next(50, 0, false);
    backoff.reset();
    expect(backoff.next(50, 0, false)).toBe(0);
  });

  test('never more than the longest pause, whatever comes', () => {
    expect(Math.max(...pauses(...Array.from({ length: 2000 }, () => 0)))).toBe(30_000);
  });
});

describe('one that had been serving', () => {
  test('is replaced at once, five times a second for ever', () => {
    expect(Math.max(...served(1000, 200))).toBe(0);
  });

  test('is replaced within half a second when they die faster than they can be started', () => {
    const all = served(100, 1);
    expect(all.slice(0, 20)).toEqual(Array.from({ length: 20 }, () => 0));
    expect(Math.max(...all)).toBe(500);
    expect(all.filter((pauseMs) => pauseMs === 0).length).toBeLessThan(25);
  });
});
