import { expect, test } from 'vitest';
import { type AbortListeners, tellAborted, withAbortListener } from '../../../src/http/abort-listeners.js';

function gather(listeners: readonly (() => void)[]): AbortListeners {
  return listeners.reduce<AbortListeners>(withAbortListener, undefined);
}

test('one listener is kept as it is', () => {
  const listener = (): void => {};
  expect(withAbortListener(undefined, listener)).toBe(listener);
});

test.each([0, 1, 2, 3, 100_000])('%i listeners are told, each once and in their order', (count) => {
  const told: number[] = [];
  tellAborted(gather(Array.from({ length: count }, (_, i) => () => told.push(i))));
  expect(told).toEqual(Array.from({ length: count }, (_, i) => i));
});

test('one that throws keeps no other from being told', () => {
  const told: string[] = [];
  const fail = (name: string) => () => {
    told.push(name);
    throw new Error(name);
  };
  expect(() => tellAborted(gather([fail('first'), fail('second'), () => told.push('third')]))).toThrow(
    'first',
  );
  expect(told).toEqual(['first', 'second', 'third']);
});
