import { expect, test } from 'vitest';
import { decodePath } from '../../../src/gateway/decode-path.js';

test.each([
  ['/caf%C3%A9', '/caf\xc3\xa9'],
  ['/%e4%FF%00', '/\xe4\xff\0'],
  ['/a%2Fb%252F', '/a/b%2F'],
  ['/100%', '/100%'],
  ['/%zz%4', '/%zz%4'],
  ['*', '*'],
  ['', ''],
])('%j: each escape is a byte, decoded once', (encoded, decoded) => {
  expect(decodePath(encoded)).toBe(decoded);
});

test('as text', () => {
  expect(Buffer.from(decodePath('/caf%C3%A9'), 'latin1').toString()).toBe('/café');
});
