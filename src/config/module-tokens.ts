/**
 * The tokens of a TypeScript or JavaScript module, as far as telling where a literal begins and ends takes: strings, templates, regular
 * expressions and comments are skipped as wholes. It never fails: of what does not parse, the loader of the module has spoken before.
 */

export interface Token {
  /** `mark`: a bracket, an operator, `...`; or a template or a regular expression, of which nobody asks what is in it. */
  readonly kind: 'word' | 'string' | 'mark';
  /** Of a string, what it holds, escapes as they are written; of a word or a mark, itself. */
  readonly text: string;
  /** Offset in the source, in UTF-16 units. */
  readonly at: number;
  /** Of an opening bracket, the index of the token that closes it; the number of tokens if none does. Of others -1. */
  close: number;
}

const SKIPPED = String.raw`\s+|\/\/[^\n]*|\/\*[^]*?\*\/`;
const STRING = String.raw`"(?:[^"\\\n]|\\[^])*"|'(?:[^'\\\n]|\\[^])*'`;
const WORD = String.raw`[\p{ID_Start}$_][\p{ID_Continue}$]*|\d[\w.]*`;
const MARK = String.raw`\.\.\.|=>|[=!]==?|[^]`;
const TOKEN = new RegExp(
  `(?<skipped>${SKIPPED})|(?<string>${STRING})|(?<word>${WORD})|(?<mark>${MARK})`,
  'uy',
);
const REGULAR_EXPRESSION = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/\w*/uy;

const CLOSING: ReadonlyMap<string, string> = new Map([
  [')', '('],
  [']', '['],
  ['}', '{'],
]);
const OPENING: ReadonlySet<string> = new Set(CLOSING.values());

export function readTokens(source: string): readonly Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < source.length;) {
    const { token, end } = readToken(source, at, tokens.at(-1));
    if (token !== undefined) tokens.push(token);
    at = end;
  }
  matchBrackets(tokens);
  return tokens;
}

/** @param before the token before it, which says whether a slash divides */
function readToken(
  source: string,
  at: number,
  before: Token | undefined,
): { readonly token?: Token; readonly end: number } {
  const { skipped, string, word, mark } = match(TOKEN, source, at)!.groups!;
  if (skipped !== undefined) return { end: at + skipped.length };
  if (string !== undefined)
    return { token: { kind: 'string', text: string.slice(1, -1), at, close: -1 }, end: at + string.length };
  if (word !== undefined)
    return { token: { kind: 'word', text: word, at, close: -1 }, end: at + word.length };
  const token: Token = { kind: 'mark', text: mark!, at, close: -1 };
  if (mark === '`') return { token, end: endOfTemplate(source, at) };
  const divides = before !== undefined && (before.kind !== 'mark' || CLOSING.has(before.text));
  const expression = mark === '/' && !divides ? match(REGULAR_EXPRESSION, source, at)?.[0] : undefined;
  return { token, end: at + (expression ?? mark!).length };
}

/** Behind the closing backtick. */
function endOfTemplate(source: string, begin: number): number {
  let at = begin + 1;
  while (at < source.length) {
    if (source[at] === '`') return at + 1;
    if (source[at] === '\\') at += 2;
    else if (source.startsWith('${', at)) at = endOfSubstitution(source, at + 2);
    else at += 1;
  }
  return source.length;
}

/** Behind its closing brace. */
function endOfSubstitution(source: string, begin: number): number {
  let depth = 1;
  let before: Token | undefined;
  for (let at = begin; at < source.length;) {
    const { token, end } = readToken(source, at, before);
    if (token?.kind === 'mark' && token.text === '{') depth += 1;
    if (token?.kind === 'mark' && token.text === '}') depth -= 1;
    if (depth === 0) return end;
    before = token ?? before;
    at = end;
  }
  return source.length;
}

function matchBrackets(tokens: readonly Token[]): void {
  const open: Token[] = [];
  for (const [i, token] of tokens.entries()) {
    if (token.kind !== 'mark') continue;
    if (OPENING.has(token.text)) {
      token.close = tokens.length;
      open.push(token);
    } else if (open.at(-1)?.text === CLOSING.get(token.text)) {
      const opened = open.pop();
      if (opened !== undefined) opened.close = i;
    }
  }
}

function match(form: RegExp, text: string, at: number): RegExpExecArray | null {
  form.lastIndex = at;
  return form.exec(text);
}
