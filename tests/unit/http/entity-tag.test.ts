import { expect, test } from 'vitest';
import { matchesStrongly, matchesWeakly, parseEntityTags } from '../../../src/http/entity-tag.js';

test.each([
  ['*', '*'],
  [' * ', '*'],
  ['"a"', ['"a"']],
  ['""', ['""']],
  ['"a", W/"b"', ['"a"', 'W/"b"']],
  [',, "a" ,,"b,c" , ', ['"a"', '"b,c"']],
  ['"\xe9"', ['"\xe9"']],
])('reads %j', (value, tags) => expect(parseEntityTags(value)).toEqual(tags));

test.each(['', ',', 'a', '"a', 'w/"a"', '"a" b', '"a" "b"', '"a""b"', '*, "a"', '"a b"', '"a";"b"'])(
  'does not read %j',
  (value) => expect(parseEntityTags(value)).toBeUndefined(),
);

// RFC 9110 section 8.8.3.2.
test.each([
  ['W/"1"', 'W/"1"', false, true],
  ['W/"1"', 'W/"2"', false, false],
  ['W/"1"', '"1"', false, true],
  ['"1"', '"1"', true, true],
])('%s and %s: strongly %s, weakly %s', (a, b, strongly, weakly) => {
  expect(matchesStrongly(a, b)).toBe(strongly);
  expect(matchesWeakly(a, b)).toBe(weakly);
});
