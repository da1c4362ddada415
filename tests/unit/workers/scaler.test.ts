import { describe, expect, test } from 'vitest';
import { Scaler, type CrewLoad } from '../../../src/workers/scaler.js';

const IDLE: CrewLoad = { waiting: 0, idle: 0, booting: 0, serving: 2 };

/** Observes the same load every 100 ms. @returns the size after it */
function observe(scaler: Scaler, fromMs: number, forMs: number, load: Partial<CrewLoad>): number {
  for (let ms = fromMs; ms <= fromMs + forMs; ms += 100) scaler.observe(ms, { ...IDLE, ...load });
  return scaler.size;
}

describe('Scaler', () => {
  test('begins with the fewest', () => {
    expect(new Scaler({ min: 2, max: 8 }).size).toBe(2);
  });

  test('a fixed number stays, whatever comes', () => {
    const scaler = new Scaler({ min: 3, max: 3 });
    expect(observe(scaler, 0, 60_000, { waiting: 100 })).toBe(3);
    expect(observe(scaler, 60_000, 60_000, { idle: 3 })).toBe(3);
  });

  test('grows when requests wait, to the most, and no faster than to the double', () => {
    const scaler = new Scaler({ min: 2, max: 8 });
    expect(observe(scaler, 0, 0, { waiting: 50 })).toBe(2);
    expect(observe(scaler, 100, 0, { waiting: 50 })).toBe(4);
    expect(observe(scaler, 200, 60_000, { waiting: 50, serving: 8 })).toBe(8);
  });

  test('a queue of one is worth one', () => {
    const scaler = new Scaler({ min: 4, max: 8 });
    expect(observe(scaler, 0, 100, { waiting: 1, serving: 4 })).toBe(5);
  });

  test('not while others are being started, nor for a moment of waiting', () => {
    const scaler = new Scaler({ min: 2, max: 8 });
    expect(observe(scaler, 0, 10_000, { waiting: 50, booting: 1 })).toBe(2);
    const other = new Scaler({ min: 2, max: 8 });
    for (let ms = 0; ms < 10_000; ms += 100) other.observe(ms, { ...IDLE, waiting: ms % 200 === 0 ? 9 : 0 });
    expect(other.size).toBe(2);
  });

  test('shrinks when workers are idle all the time, to the fewest', () => {
    const scaler = new Scaler({ min: 1, max: 8 });
    observe(scaler, 0, 1000, { waiting: 50, serving: 8 });
    expect(scaler.size).toBe(8);
    expect(observe(scaler, 2000, 5000, { idle: 8 })).toBe(8);
    expect(observe(scaler, 7100, 5000, { idle: 8 })).toBe(4);
    expect(observe(scaler, 20_000, 60_000, { idle: 4 })).toBe(1);
  });

  test('one busy moment in a while keeps them', () => {
    const scaler = new Scaler({ min: 1, max: 4 });
    observe(scaler, 0, 1000, { waiting: 50, serving: 4 });
    for (let ms = 2000; ms < 100_000; ms += 100)
      scaler.observe(ms, { ...IDLE, idle: ms % 5000 === 0 ? 0 : 4 });
    expect(scaler.size).toBe(4);
  });

  test('a new range takes effect at once', () => {
    const scaler = new Scaler({ min: 1, max: 1 });
    scaler.range = { min: 8, max: 8 };
    expect(scaler.size).toBe(8);
    scaler.range = { min: 1, max: 2 };
    expect(scaler.size).toBe(2);
  });
});
