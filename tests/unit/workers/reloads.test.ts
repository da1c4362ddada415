import { expect, test, vi } from 'vitest';
import { BootError } from '../../../src/errors.js';
import { Reloads } from '../../../src/workers/reloads.js';

test('one after the other: those who ask during one share the next', async () => {
  const begin = vi.fn<() => void>();
  const reloads = new Reloads({ begin, givenUp: () => {} });
  const first = reloads.ask();
  const [second, third] = [reloads.ask(), reloads.ask()];
  expect(begin).toHaveBeenCalledTimes(1);
  const error = new BootError('XGI_APP_RAISED', 'no');
  reloads.finish(error);
  expect(await first).toBe(error);
  expect(begin).toHaveBeenCalledTimes(2);
  reloads.finish('reloaded');
  expect(await Promise.all([second, third])).toEqual(['reloaded', 'reloaded']);
  expect(begin).toHaveBeenCalledTimes(2);
});

test('an end that nobody waits for is nothing', () => {
  new Reloads({ begin: () => {}, givenUp: () => {} }).finish('reloaded');
});

test('one that hangs is given up for the next, and those who wait for it wait for that', async () => {
  vi.useFakeTimers();
  try {
    const begin = vi.fn<() => void>();
    const givenUp = vi.fn<(afterMs: number) => void>();
    const reloads = new Reloads({ begin, givenUp });
    const hanging = reloads.ask();
    const next = reloads.ask();
    await vi.advanceTimersByTimeAsync(11_000);
    expect(begin).toHaveBeenCalledTimes(2);
    expect(givenUp).toHaveBeenCalledTimes(1);
    reloads.finish('reloaded');
    expect(await Promise.all([hanging, next])).toEqual(['reloaded', 'reloaded']);
  } finally {
    vi.useRealTimers();
  }
});
