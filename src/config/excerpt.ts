/** A line of a file, and a caret below the place that a message speaks of. */

/** As many columns of a long line are shown, around the place. */
const WIDTH = 100;

/** What a terminal may take for a command, or turns the direction of text round; a tab, whose width nobody knows, is such a thing too. */
const CONTROL = /[\p{Cc}\p{Cf}\u2028\u2029]/u;
/** Of two columns: CJK, full width forms, and emoji. */
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u;
/** They stand upon the character before. */
const COMBINING = /\p{M}/u;

/**
 * @param text the line
 * @param line its number, 1 the first
 * @param column of the place, in UTF-16 units, 1 the first
 * @returns two lines
 */
export function formatExcerpt(text: string, line: number, column: number): string {
  const { before, behind } = window(text, column - 1);
  const gutter = `    ${line} | `;
  const caret = ' '.repeat(gutter.length - 2) + '| ' + ' '.repeat(widthOf(before));
  return `${gutter}${before}${behind}\n${caret}^`;
}

/** What is shown of both sides of the place. */
function window(text: string, at: number): { before: string; behind: string } {
  // More than is shown, and not the whole of a file that is one line.
  const before = [...text.slice(Math.max(0, at - 2 * WIDTH), at)].map(printable);
  const behind = [...text.slice(at, at + 2 * WIDTH)].map(printable);
  const front = before.slice(-WIDTH / 2);
  const rest = behind.slice(0, WIDTH - front.length);
  const isFrontCut = front.length < before.length;
  const isRestCut = rest.length < behind.length;
  return {
    before: (isFrontCut ? '…' : '') + front.join(''),
    behind: rest.join('') + (isRestCut ? '…' : ''),
  };
}

function printable(character: string): string {
  return CONTROL.test(character) ? ' ' : character;
}

function widthOf(text: string): number {
  return [...text].reduce(
    (sum, character) => sum + (COMBINING.test(character) ? 0 : WIDE.test(character) ? 2 : 1),
    0,
  );
}
