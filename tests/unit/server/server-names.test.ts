import { expect, test } from 'vitest';
import { ServerNames } from '../../../src/server/tls/server-names.js';

const names = new ServerNames<string>();
names.add(['example.org', '*.example.org', '192.0.2.1'], 'first');
names.add(['www.example.org', 'example.org', '*.deep.example.org'], 'second');

test.each([
  ['example.org', 'first'],
  ['EXAMPLE.org', 'first'],
  ['a.example.org', 'first'],
  ['www.example.org', 'second'],
  ['a.deep.example.org', 'second'],
  ['deep.example.org', 'first'],
  ['a.b.example.org', undefined],
  ['example.com', undefined],
  ['org', undefined],
  ['', undefined],
  ['.', undefined],
  ['.example.org', undefined],
  ['*.example.org', 'first'],
])('%j: %s', (name, expected) => {
  expect(names.find(name)).toBe(expected);
});
