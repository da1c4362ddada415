import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BUDGET_US, MAX_DEPTH, ServiceTime } from '../../../src/workers/service-time.js';

function observed(...times: readonly number[]): ServiceTime {
  const serviceTime = new ServiceTime();
  for (const time of times) serviceTime.observe(time);
  return serviceTime;
}

const many = (count: number, us: number): number[] => Array.from({ length: count }, () => us);

describe('ServiceTime', () => {
  test('begins slow', () => {
    expect(observed().depth).toBe(1);
  });

  test.each([
    [0, MAX_DEPTH],
    [10, MAX_DEPTH],
    [BUDGET_US / MAX_DEPTH, MAX_DEPTH],
    [BUDGET_US / 10, 10],
    [BUDGET_US / 2, 2],
    [BUDGET_US, 1],
    [0xffff_ffff, 1],
  ])('%d µs again and again: depth %d', (us, depth) => {
    expect(observed(...many(500, us)).depth).toBe(depth);
  });

  test('one slow request counts at once, and wears off', () => {
    const serviceTime = observed(...many(500, 10), BUDGET_US);
    expect(serviceTime.depth).toBe(1);
    serviceTime.observe(10);
    expect(serviceTime.depth).toBeLessThan(4);
    for (let i = 0; i < 200; i++) serviceTime.observe(10);
    expect(serviceTime.depth).toBe(MAX_DEPTH);
  });

  test('what is sent ahead waits no longer than the budget, judged by what was seen last', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 100_000 }), { minLength: 1 }), (times) => {
        const { depth } = observed(...times);
        expect(Number.isInteger(depth)).toBe(true);
        expect(depth).toBeGreaterThanOrEqual(1);
        expect(depth).toBeLessThanOrEqual(MAX_DEPTH);
        if (depth > 1) expect(depth * times.at(-1)!).toBeLessThanOrEqual(BUDGET_US);
      }),
    );
  });
});
