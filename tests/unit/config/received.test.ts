import { expect, test } from 'vitest';
import { formatReceived } from '../../../src/config/received.js';

test.each([
  [undefined, 'nothing'],
  [null, 'null'],
  ['a"b', String.raw`"a\"b"`],
  [1.5, '1.5'],
  [Infinity, 'Infinity'],
  [Number.NaN, 'NaN'],
  [10n, '10n'],
  [[10n], '["10n"]'],
  [{ a: [1] }, '{"a":[1]}'],
  [() => {}, 'a function'],
  [Symbol('a'), 'a symbol'],
  [new Set(['a']), 'a Set'],
  [Promise.resolve(), 'a promise'],
])('case %#', (value, expected) => {
  expect(formatReceived(value)).toBe(expected);
});

test('not much of what is long', () => {
  expect(formatReceived('x'.repeat(1_000_000)).length).toBeLessThan(250);
});
