import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { RunWatch, type Watched } from '../../../src/programs/run-watch.js';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance', 'setInterval', 'clearInterval'] });
});

afterEach(() => {
  vi.useRealTimers();
});

/** A run that is over its deadline after so long. */
function newRun(id: string, deadlineMs = Infinity): Watched & { checks: number } {
  const startedAtMs = performance.now();
  return {
    ...{ id, method: 'GET', path: `/${id}`, startedAtMs, runner: null, checks: 0 },
    check(nowMs) {
      this.checks++;
      return nowMs - startedAtMs >= deadlineMs;
    },
  };
}

test('runs are looked at ten times a second, and listed', () => {
  const watch = new RunWatch();
  const run = newRun('a');
  watch.add(run);
  vi.advanceTimersByTime(500);
  watch.add(newRun('b'));
  vi.advanceTimersByTime(500);
  expect(run.checks).toBe(10);
  expect(watch.runningBy(null)).toEqual([
    { id: 'a', method: 'GET', path: '/a', runningMs: 1000 },
    { id: 'b', method: 'GET', path: '/b', runningMs: 500 },
  ]);
});

test('counts those that are over a deadline', () => {
  const watch = new RunWatch();
  const runs = [newRun('a', 300), newRun('b', 10_000)];
  for (const run of runs) watch.add(run);
  vi.advanceTimersByTime(200);
  expect(watch.timeouts).toBe(0);
  vi.advanceTimersByTime(100);
  expect(watch.timeouts).toBe(1);
});

test('one that ends while all are looked at', () => {
  const watch = new RunWatch();
  const other = newRun('b');
  const run: Watched = { ...newRun('a'), check: () => (watch.delete(run), true) };
  watch.add(run);
  watch.add(other);
  vi.advanceTimersByTime(100);
  expect(watch.runningBy(null).map(({ id }) => id)).toEqual(['b']);
  expect(other.checks).toBe(1);
});

test('no timer runs while nothing does', () => {
  const watch = new RunWatch();
  const runs = [newRun('a'), newRun('b')];
  for (const run of runs) watch.add(run);
  expect(vi.getTimerCount()).toBe(1);
  watch.delete(runs[0]!);
  watch.delete(runs[0]!);
  expect(vi.getTimerCount()).toBe(1);
  watch.delete(runs[1]!);
  expect(vi.getTimerCount()).toBe(0);
  watch.add(newRun('c'));
  expect(vi.getTimerCount()).toBe(1);
});
