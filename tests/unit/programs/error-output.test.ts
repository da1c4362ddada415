import { expect, test } from 'vitest';
import { ErrorOutput } from '../../../src/programs/error-output.js';

function read(pieces: readonly (string | Buffer)[], ends = true): { lines: string[]; output: ErrorOutput } {
  const lines: string[] = [];
  const output = new ErrorOutput((line) => lines.push(line));
  for (const piece of pieces) output.push(Buffer.from(piece));
  if (ends) output.end();
  return { lines, output };
}

test.each([
  [[], []],
  [['one\n'], ['one']],
  [['one\ntwo\n'], ['one', 'two']],
  [['one\r\ntwo\r\n'], ['one', 'two']],
  [
    ['o', 'n', 'e', '\n', 't', 'wo', '\n'],
    ['one', 'two'],
  ],
  [['one\n\n\r\ntwo\n'], ['one', 'two']],
  [['without its end'], ['without its end']],
  [['a\rb\n'], ['a\rb']],
])('%j is passed on as %j', (pieces, expected) => {
  expect(read(pieces).lines).toEqual(expected);
});

test('a line is passed on as soon as it is complete', () => {
  expect(read(['one\ntw'], false).lines).toEqual(['one']);
});

test('a character in two pieces is one, and bytes that are none do no harm', () => {
  const bytes = Buffer.from('caf\u00e9 \u{1f40d}\n');
  for (let at = 1; at < bytes.length; at++)
    expect(read([bytes.subarray(0, at), bytes.subarray(at)]).lines).toEqual(['caf\u00e9 \u{1f40d}']);
  expect(read([Buffer.from('a\xff\n', 'latin1')]).lines).toEqual(['a\ufffd']);
  expect(read([Buffer.from('a\xc3', 'latin1')]).lines).toEqual(['a\ufffd']);
});

test('a long line is passed on in parts, and nothing of it is kept', () => {
  const { lines } = read(['x'.repeat(20_000), 'y'.repeat(100), '\n']);
  expect(lines.map((line) => line.length)).toEqual([8192, 8192, 3716]);
  expect(lines.join('')).toBe(`${'x'.repeat(20_000)}${'y'.repeat(100)}`);
});

test('the last ten lines are kept, an incomplete one among them', () => {
  const all = Array.from({ length: 15 }, (_, i) => `line ${i}`);
  expect(read([`${all.join('\n')}\n`]).output.last).toBe(all.slice(5).join('\n'));
  expect(read([all.join('\n')], false).output.last).toBe(all.slice(5).join('\n'));
});

test('of long ones, as much as fits', () => {
  const { output } = read(['a\n', `${'x'.repeat(3000)}\n`, `${'y'.repeat(3000)}\n`]);
  expect(output.last.length).toBeLessThanOrEqual(4096);
  expect(output.last.endsWith(`\n${'y'.repeat(3000)}`)).toBe(true);
});

test('nothing is nothing', () => {
  expect(read([]).output.last).toBe('');
  expect(read(['\n\n']).output.last).toBe('');
});
