import { afterEach, expect, test } from 'vitest';
import { handleSignals } from '../../../src/process/signals.js';

let release = (): void => {};

afterEach(() => release());

test('signals reach their handlers, until they are released', () => {
  const seen: string[] = [];
  release = handleSignals({
    stop: (signal) => seen.push(signal),
    steer: (signal) => seen.push(`steer ${signal}`),
  });
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const)
    process.emit(signal, signal);
  expect(seen).toEqual(['SIGTERM', 'SIGINT', 'SIGQUIT', 'steer SIGUSR1', 'steer SIGUSR2']);
  const before = process.listenerCount('SIGTERM');
  release();
  expect(process.listenerCount('SIGTERM')).toBe(before - 1);
});
