import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatHttpDate, httpDate, parseHttpDate } from '../../../src/http/date.js';

const TIME = Date.UTC(1994, 10, 6, 8, 49, 37);

test.each(['Sun, 06 Nov 1994 08:49:37 GMT', 'Sunday, 06-Nov-94 08:49:37 GMT', 'Sun Nov  6 08:49:37 1994'])(
  'reads %s',
  (text) => expect(parseHttpDate(text)).toBe(TIME),
);

test.each([
  '',
  'yesterday',
  '1994-11-06T08:49:37Z',
  'Sun, 06 Nov 1994 08:49:37',
  'Sun, 06 Nov 1994 08:49:37 CET',
  'Sun, 6 Nov 1994 08:49:37 GMT',
  'Sun, 06 Foo 1994 08:49:37 GMT',
  'Fri, 31 Jun 1994 08:49:37 GMT',
  'Sun, 06 Nov 1994 08:60:37 GMT',
  'Sun, 06 Nov 1994 24:00:00 GMT',
  'Sun, 06 Nov 1994 08:49:61 GMT',
  'Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT',
])('does not read %j', (text) => expect(parseHttpDate(text)).toBeUndefined());

test('two digits of a year that seem far ahead are of the past', () => {
  const ahead = (new Date().getUTCFullYear() + 60) % 100;
  const text = `Sunday, 06-Nov-${String(ahead).padStart(2, '0')} 08:49:37 GMT`;
  expect(new Date(parseHttpDate(text)!).getUTCFullYear()).toBe(new Date().getUTCFullYear() - 40);
});

test('what is written is read again', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 253_402_300_799 }), (seconds) => {
      expect(parseHttpDate(formatHttpDate(seconds * 1000))).toBe(seconds * 1000);
    }),
  );
  expect(Math.abs(parseHttpDate(httpDate())! - Date.now())).toBeLessThan(2000);
});
