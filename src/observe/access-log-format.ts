/**
 * The text of `--access-logformat`, compiled once to a function.
 *
 * No client can forge a field or a line. Every value that a client has a hand in is escaped: whatever is not
 * printable ASCII, the double quote and the backslash; and, for an atom that does not stand between double quotes,
 * the space and the character that follows the atom in the format, because that is where a reader ends the field.
 * There an empty value is `-`: a reader that splits at spaces would count one field less.
 */
import { ConfigError } from '../errors.js';
import { formatReceived } from '../errors/received.js';
import type { RequestFinish } from './channels.js';
import {
  ABSENT,
  APACHE_ATOM_MAKERS,
  APACHE_ATOMS,
  type Atom,
  type AtomMaker,
  GUNICORN_ATOM_MAKERS,
  GUNICORN_ATOMS,
} from './access-log-atoms.js';
import { formatJson } from './access-log-json.js';
import { createEscape, NOT_PLAIN_ASCII } from './escape.js';

/** Makes a line, with its newline. */
export type FormatLine = (finish: RequestFinish) => string;

// `%%`, `%(h)s`, `%({x}i)s`, `%h`, `%>s`, `%{x}i`; or a `%` that is none of them.
const DIRECTIVE = /%(?:(%)|\((?:\{([^{}]+)\})?([A-Za-z])\)[sd]|[<>]?(?:\{([^{}]+)\})?([A-Za-z])|(.{0,12}))/gs;

type Piece = string | Atom;

/**
 * Compiles a format; `json` is one JSON object for each request.
 *
 * @throws ConfigError `XGI_CONFIG_VALUE` for an atom that is not known
 */
export function compileAccessLogFormat(format: string): FormatLine {
  if (format === 'json') return formatJson;
  const pieces = mergeText(parse(format));
  const writers = pieces.map((piece, index) => compilePiece(pieces, piece, index));
  return (finish) => {
    let line = '';
    for (const writer of writers) line += typeof writer === 'string' ? writer : writer(finish);
    return line;
  };
}

function parse(format: string): Piece[] {
  const pieces: Piece[] = [];
  let end = 0;
  for (const match of format.matchAll(DIRECTIVE)) {
    pieces.push(format.slice(end, match.index), match[1] ?? findAtom(match));
    end = match.index + match[0].length;
  }
  pieces.push(format.slice(end), '\n');
  return pieces;
}

function findAtom([
  directive,
  ,
  gunicornArgument,
  gunicornName,
  apacheArgument,
  apacheName,
]: RegExpExecArray): Atom {
  const atom =
    gunicornName === undefined
      ? lookUp(APACHE_ATOMS, APACHE_ATOM_MAKERS, apacheName ?? '', apacheArgument)
      : lookUp(GUNICORN_ATOMS, GUNICORN_ATOM_MAKERS, gunicornName, gunicornArgument);
  if (atom !== undefined) return atom;
  const known = [
    ...Object.keys(APACHE_ATOMS),
    ...Object.keys(APACHE_ATOM_MAKERS).map((name) => `{…}${name}`),
  ];
  throw new ConfigError(
    'XGI_CONFIG_VALUE',
    `expected gunicorn's atoms (%(h)s, %({x}i)s), Apache's directives (${known.map((name) => `%${name}`).join(' ')} %%) or json, ` +
      `received ${formatReceived(directive)}`,
  );
}

function lookUp(
  atoms: Readonly<Record<string, Atom>>,
  makers: Readonly<Record<string, AtomMaker>>,
  name: string,
  argument: string | undefined,
): Atom | undefined {
  if (argument === undefined) return Object.hasOwn(atoms, name) ? atoms[name] : undefined;
  return Object.hasOwn(makers, name) ? makers[name]!(argument) : undefined;
}

/** Joins neighbouring texts, so that the character that follows an atom is the first of the next piece. */
function mergeText(pieces: readonly Piece[]): Piece[] {
  const merged: Piece[] = [];
  for (const piece of pieces) {
    const last = merged.at(-1);
    if (typeof piece === 'string' && typeof last === 'string') merged[merged.length - 1] = last + piece;
    else if (piece !== '') merged.push(piece);
  }
  return merged;
}

function compilePiece(pieces: readonly Piece[], piece: Piece, index: number): string | Atom['text'] {
  if (typeof piece === 'string') return piece;
  const { text, trusted } = piece;
  if (trusted) return text;
  if (isQuoted(pieces, index)) {
    const escape = createEscape(NOT_PLAIN_ASCII);
    return (finish) => escape(text(finish));
  }
  const escape = createEscape(NOT_PLAIN_ASCII + delimiters(pieces[index + 1]));
  // The second atom of `%U%q` begins no field.
  const empty = typeof pieces[index - 1] === 'object' ? '' : ABSENT;
  return (finish) => escape(text(finish)) || empty;
}

/** Whether the piece at that index stands between double quotes. */
function isQuoted(pieces: readonly Piece[], index: number): boolean {
  const before = pieces.slice(0, index).filter((piece) => typeof piece === 'string');
  const quotes = before.join('').match(/"/g)?.length ?? 0;
  return quotes % 2 === 1;
}

/** What ends a field without quotes, beside the double quote; the body of a character class. */
function delimiters(next: Piece | undefined): string {
  const follows = typeof next === 'string' ? next[0]! : '';
  // With a backslash before it, any punctuation stands for itself in a character class.
  return /[!-/:-@[-`{-~]/.test(follows) ? ` \\${follows}` : ' ';
}
