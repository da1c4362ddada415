/** Splits text into words as a POSIX shell does, without any expansion: quotes and backslashes only. */

const DOUBLE_QUOTED_ESCAPES = new Set(['"', '\\', '$', '`']);

/** @returns undefined if a quote is not closed, or the text ends in a backslash */
export function splitWords(text: string): string[] | undefined {
  const words: string[] = [];
  let word: string | undefined;
  let quote = '';
  for (let i = 0; i < text.length; i += 1) {
    const character = text[i]!;
    if (quote === "'") {
      if (character === quote) quote = '';
      else word += character;
    } else if (character === '\\') {
      i += 1;
      const escaped = text[i];
      if (escaped === undefined) return undefined;
      const kept = quote === '"' && !DOUBLE_QUOTED_ESCAPES.has(escaped);
      word = `${word ?? ''}${kept ? '\\' : ''}${escaped}`;
    } else if (character === quote) {
      quote = '';
    } else if (quote === '' && (character === '"' || character === "'")) {
      quote = character;
      // '' is a word too.
      word ??= '';
    } else if (quote === '' && /[ \t\r\n]/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      word = `${word ?? ''}${character}`;
    }
  }
  if (quote !== '') return undefined;
  return word === undefined ? words : [...words, word];
}
