/**
 * Where the settings of a module stand in its text: followed from its default export through object and list literals, `defineConfig(…)` and
 * constants of the module. Whatever else makes a setting (a call, a spread, an import), that is the place.
 */
import type { Position, SettingPath } from './file.js';
import { readTokens, type Token } from './module-tokens.js';

/** Indices of tokens. `value` is undefined where nothing more can be said than what sets it: a spread. */
interface Entry {
  readonly key: number;
  readonly value: number | undefined;
}

/** Through so many names of constants; two may be made of each other. */
const MAX_NAMES = 8;

export class ModulePlaces {
  readonly #source: string;
  /** Read when a place is asked for. */
  #tokens: readonly Token[] | undefined;
  /** Offsets. */
  #lines: readonly number[] = [];

  constructor(source: string) {
    this.#source = source;
  }

  /** The place of the last setting on the way that is there: of one that is missing, its parent's. Undefined if the export is not seen. */
  locate(at: SettingPath, what: 'key' | 'value'): Position | undefined {
    if (this.#tokens === undefined) {
      this.#tokens = readTokens(this.#source);
      this.#lines = [0, ...[...this.#source.matchAll(/\n/g)].map(({ index }) => index + 1)];
    }
    const place = findPlace(this.#tokens, at, what);
    const offset = place === undefined ? undefined : this.#tokens[place]?.at;
    return offset === undefined ? undefined : this.#positionOf(offset);
  }

  #positionOf(offset: number): Position {
    const line = this.#lines.findLastIndex((begin) => begin <= offset);
    return { line: line + 1, column: offset - this.#lines[line]! + 1 };
  }
}

function findPlace(tokens: readonly Token[], at: SettingPath, what: 'key' | 'value'): number | undefined {
  let place = findExport(tokens);
  let value = place;
  for (const [i, key] of at.entries()) {
    const literal = value === undefined ? undefined : findLiteral(tokens, value, MAX_NAMES);
    if (literal === undefined) return place;
    place = literal;
    const entry = isMark(tokens[literal], '{')
      ? findProperty(tokens, literal, String(key))
      : findElement(tokens, literal, Number(key));
    if (entry === undefined) return place;
    const isWanted = what === 'key' && i === at.length - 1;
    place = isWanted ? entry.key : (entry.value ?? entry.key);
    value = entry.value;
  }
  return place;
}

/** The beginning of what is exported. */
function findExport(tokens: readonly Token[]): number | undefined {
  for (let i = 0; i < tokens.length; i = behind(tokens, i)) {
    if (isWords(tokens, i, 'export', 'default')) return i + 2;
    if (isWords(tokens, i, 'module', '.', 'exports', '=')) return i + 4;
  }
  return undefined;
}

/** The bracket of the object or list literal that an expression comes to; undefined if it is none. */
function findLiteral(tokens: readonly Token[], at: number, namesLeft: number): number | undefined {
  const token = tokens[at];
  if (isMark(token, '{') || isMark(token, '[')) return isWhole(tokens, behind(tokens, at)) ? at : undefined;
  if (isMark(token, '('))
    return isWhole(tokens, behind(tokens, at)) ? findLiteral(tokens, at + 1, namesLeft) : undefined;
  if (token?.kind !== 'word') return undefined;
  if (token.text === 'defineConfig' && isMark(tokens[at + 1], '('))
    return findLiteral(tokens, at + 1, namesLeft);
  if (namesLeft === 0 || !isWhole(tokens, at + 1)) return undefined;
  const constant = findConstant(tokens, token.text);
  return constant === undefined ? undefined : findLiteral(tokens, constant, namesLeft - 1);
}

/** Whether an expression ends before that token. A word can only begin another statement there, or name a type. */
function isWhole(tokens: readonly Token[], next: number): boolean {
  const token = tokens[next];
  if (token === undefined) return true;
  if (token.kind === 'word') return !['in', 'instanceof'].includes(token.text);
  return token.kind === 'mark' && [',', ';', ')', ']', '}'].includes(token.text);
}

/** What a constant of the module is set to. */
function findConstant(tokens: readonly Token[], name: string): number | undefined {
  for (let i = 0; i < tokens.length; i = behind(tokens, i)) {
    if (!isWords(tokens, i, 'const', name)) continue;
    // Behind its type.
    for (let j = i + 2; j < tokens.length && !isMark(tokens[j], ';'); j = behind(tokens, j))
      if (isMark(tokens[j], '=')) return j + 1;
  }
  return undefined;
}

function findProperty(tokens: readonly Token[], literal: number, name: string): Entry | undefined {
  let found: Entry | undefined;
  let spread: Entry | undefined;
  for (const i of itemsOf(tokens, literal)) {
    if (isMark(tokens[i], '...')) spread = { key: i, value: undefined };
    if (tokens[i]!.kind === 'mark' || tokens[i]!.text !== name) continue;
    if (isMark(tokens[i + 1], ':')) found = { key: i, value: i + 2 };
    else if (isMark(tokens[i + 1], ',') || isMark(tokens[i + 1], '}')) found = { key: i, value: i };
  }
  return found ?? spread;
}

function findElement(tokens: readonly Token[], literal: number, index: number): Entry | undefined {
  const items = itemsOf(tokens, literal);
  const spread = items.slice(0, index + 1).find((i) => isMark(tokens[i], '...'));
  if (spread !== undefined) return { key: spread, value: undefined };
  const item = items[index];
  return item === undefined ? undefined : { key: item, value: item };
}

/** The first token of each. */
function itemsOf(tokens: readonly Token[], literal: number): readonly number[] {
  const items: number[] = [];
  const end = tokens[literal]!.close;
  for (let i = literal + 1; i < end; i += 1) {
    items.push(i);
    while (i < end && !isMark(tokens[i], ',')) i = behind(tokens, i);
  }
  return items;
}

/** The next token; of a bracket, that behind its closing one. */
function behind(tokens: readonly Token[], at: number): number {
  return Math.max(at, tokens[at]!.close) + 1;
}

function isWords(tokens: readonly Token[], at: number, ...texts: readonly string[]): boolean {
  return texts.every((text, i) => tokens[at + i]?.text === text && tokens[at + i]!.kind !== 'string');
}

function isMark(token: Token | undefined, text: string): boolean {
  return token?.kind === 'mark' && token.text === text;
}
