import { describe, expect, test } from 'vitest';
import { queryWords } from '../../../../src/handlers/cgi/index-query.js';
import { newRequest } from '../../gateway/requests.js';

const words = (query: string, method = 'GET'): readonly string[] => queryWords(newRequest({ method, query }));

test.each([
  ['', []],
  ['one', ['one']],
  ['one+two', ['one', 'two']],
  ['a%20b+c', ['a b', 'c']],
  ['a%2Bb', ['a+b']],
  ['a%3Db', ['a=b']],
  ['caf%C3%A9', ['caf\u00c3\u00a9']],
  ['%ff', ['\u00ff']],
  ['+', ['', '']],
  ['a&b', ['a&b']],
  // Not an escape, and so what it is.
  ['100%', ['100%']],
  // An interpreter would take it for an option: why this is off but for programs that are named.
  ['-s', ['-s']],
])('%j is %j', (query, expected) => {
  expect(words(query)).toEqual(expected);
});

describe('none for', () => {
  test.each(['a=b', 'a+b=c', '=', 'a='])('a query with an unencoded =: %j', (query) => {
    expect(words(query)).toEqual([]);
  });

  test.each(['POST', 'PUT', 'OPTIONS', 'get'])('%s', (method) => {
    expect(words('one', method)).toEqual([]);
  });

  test.each(['a%00b', 'a%0Ab', 'one+%7f', '%1b[2J', 'a%09b'])('a control character: %j', (query) => {
    expect(words(query)).toEqual([]);
  });
});

test('HEAD is as GET', () => {
  expect(words('one', 'HEAD')).toEqual(['one']);
});
