import { expect, test } from 'vitest';
import { splitWords } from '../../../src/cli/words.js';

test.each([
  ['', []],
  ['  \t\n', []],
  ['-w 2', ['-w', '2']],
  [' a  b\tc\n', ['a', 'b', 'c']],
  [`'a b' "c d"`, ['a b', 'c d']],
  [`a'b'"c"d`, ['abcd']],
  [`'' ""`, ['', '']],
  [`'a\\b"c'`, ['a\\b"c']],
  [`"a'b"`, ["a'b"]],
  [String.raw`"a\"b\\c\d\$e"`, ['a"b\\c\\d$e']],
  [String.raw`a\ b \'c\"`, ['a b', `'c"`]],
  [`--access-logformat '%(h)s "%(r)s"'`, ['--access-logformat', '%(h)s "%(r)s"']],
  ['$HOME `ls` *', ['$HOME', '`ls`', '*']],
])('%j', (text, words) => {
  expect(splitWords(text)).toEqual(words);
});

test.each([`'a`, `"a`, `a'b'"`, 'a\\'])('%j is not complete', (text) => {
  expect(splitWords(text)).toBeUndefined();
});
