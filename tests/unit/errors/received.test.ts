import { expect, test } from 'vitest';
import { formatKind, formatReceived, HIDDEN } from '../../../src/errors/received.js';

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
  [new URL('http://a/'), 'an object of URL'],
  [[Buffer.from('key')], '["an object of Buffer"]'],
  [Object.assign(Object.create(null), { a: 1 }), '{"a":1}'],
  [HIDDEN, '<hidden>'],
])('case %#', (value, expected) => {
  expect(formatReceived(value)).toBe(expected);
});

test('not much of what is long', () => {
  expect(formatReceived('x'.repeat(1_000_000)).length).toBeLessThan(250);
  expect(formatReceived('x'.repeat(201))).toBe(`"${'x'.repeat(200)}"...`);
  expect(formatReceived(Array.from({ length: 1000 }, () => 'x')).length).toBeLessThan(250);
});

test('nothing that steers a terminal, or begins a line', () => {
  const bad = '\u001b[2J\n\u007f\u009b\u2028\u202e';
  for (const shown of [formatReceived(bad), formatReceived([bad]), formatReceived({ [bad]: 1 })])
    expect(shown).toContain(String.raw`\u001b[2J\n\u007f\u009b\u2028\u202e`);
});

test('an object that is inside of itself', () => {
  const list: unknown[] = [];
  list.push(list);
  expect(formatReceived(list)).toBe('an object of Array');
});

test.each([
  [undefined, 'nothing'],
  [null, 'a value of type null'],
  ['secret', 'a value of type string'],
  [{ secret: 1 }, 'an object of Object'],
  [Object.create(null), 'an object of no class'],
  [
    Object.defineProperty({}, 'constructor', {
      get() {
        throw new Error('not to be asked');
      },
    }),
    'an object of Object',
  ],
  [{ constructor: { name: 'of a client\n' } }, 'an object of Object'],
])('kind %#', (value, expected) => {
  expect(formatKind(value)).toBe(expected);
});

test('the name of a class is on one line, and turns nothing round', () => {
  const constructor = Object.defineProperty(() => {}, 'name', { value: 'a\u061c\n' });
  expect(formatKind(Object.create({ constructor }))).toBe(String.raw`an object of a\u061c\n`);
});

test('what JSON has no text for', () => {
  expect(formatReceived({ toJSON: () => undefined })).toBe('an object of Object');
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  for (const format of [formatReceived, formatKind]) expect(format(proxy)).toBe('an object of no class');
});
