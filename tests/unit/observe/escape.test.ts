import { describe, expect, test } from 'vitest';
import { CONTROLS, createEscape, NOT_PLAIN_ASCII } from '../../../src/observe/escape.js';

describe('for fields', () => {
  const escape = createEscape(NOT_PLAIN_ASCII);
  test.each([
    ['', ''],
    ["GET /a?b=c;d HTTP/1.1 ~!@#$%^&*()[]{}'`", "GET /a?b=c;d HTTP/1.1 ~!@#$%^&*()[]{}'`"],
    ['a"b', String.raw`a\x22b`],
    [String.raw`\x22`, String.raw`\x5Cx22`],
    ['a\r\nb', String.raw`a\x0D\x0Ab`],
    ['\0\x1b\x7f\x85\xff', String.raw`\x00\x1B\x7F\x85\xFF`],
    ['\u2028\ud83d\ude00', String.raw`\u2028\uD83D\uDE00`],
  ])('%j', (text, escaped) => {
    expect(escape(text)).toBe(escaped);
  });

  test('every character of latin-1 but printable ASCII is escaped, and no other', () => {
    for (let code = 0; code <= 0xff; code += 1) {
      const character = String.fromCharCode(code);
      const clean = code >= 0x20 && code <= 0x7e && character !== '"' && character !== '\\';
      expect(escape(character) === character, `character ${code}`).toBe(clean);
    }
  });
});

describe('for messages', () => {
  const escape = createEscape(CONTROLS);
  test.each([
    ['größe "x" 😀', 'größe "x" 😀'],
    ['a\nb', String.raw`a\x0Ab`],
    ['a\u202eb', String.raw`a\u202Eb`],
    ['a\x9bb', String.raw`a\x9Bb`],
    [String.raw`a\b \x41`, String.raw`a\b \x41`],
  ])('%j', (text, escaped) => {
    expect(escape(text)).toBe(escaped);
  });
});

test('can be used again: there is no state between calls', () => {
  const escape = createEscape(NOT_PLAIN_ASCII);
  for (let i = 0; i < 3; i += 1) expect(escape('"x"')).toBe(String.raw`\x22x\x22`);
});
