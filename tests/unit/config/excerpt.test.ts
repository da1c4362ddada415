import { expect, test } from 'vitest';
import { formatExcerpt } from '../../../src/config/excerpt.js';

test.each([
  ['a line', 'workers: many', 10, '    7 | workers: many\n      |          ^'],
  ['behind the end', 'a:', 3, '    7 | a:\n      |   ^'],
  ['tabs', '\ta:\tb', 5, '    7 |  a: b\n      |     ^'],
  ['wide characters', '漢字: x', 5, '    7 | 漢字: x\n      |       ^'],
  ['emoji', '👍: x', 5, '    7 | 👍: x\n      |     ^'],
  ['a combining mark', 'e\u0301: x', 5, '    7 | e\u0301: x\n      |    ^'],
  ['commands of a terminal', '\x1b[2J: x', 7, '    7 |  [2J: x\n      |       ^'],
  ['marks that turn the direction', '\u202eab: x', 6, '    7 |  ab: x\n      |      ^'],
])('%s', (_, text, column, expected) => {
  expect(formatExcerpt(text, 7, column)).toBe(expected);
});

test.each([1, 60, 3000, 6000])('of a long line, what is around column %d', (column) => {
  const text = Array.from({ length: 6000 }, (_, i) => String(i % 10)).join('');
  const [line, caret] = formatExcerpt(text, 7, column).split('\n') as [string, string];
  expect(line.length).toBeLessThan(120);
  expect(line[caret.indexOf('^')]).toBe(text[column - 1]);
});
