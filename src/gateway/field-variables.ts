/**
 * The meta-variables of the CGI family that are made from a request's fields (RFC 3875 section 4.1.18): `HTTP_*` and CONTENT_TYPE.
 *
 * A name with an underscore or a dot makes no variable, because `X_Y`, `X.Y` and `X-Y` would become the same one; `Proxy` makes
 * none, because programs read HTTP_PROXY from their environment (httpoxy, CVE-2016-5385).
 */
import type { Fields } from '../types.js';
import { detached } from './byte-text.js';

/** A header field's variable, and the last request that had it. */
interface Variable {
  readonly name: string;
  seenIn: number;
}

// Names repeat from request to request: one lookup instead of building the variable's name. Bounded against invented names.
const variables = new Map<string, Variable | null>();
const MAX_VARIABLES = 512;
let requestNumber = 0;

const PLAIN_NAME = /^[A-Za-z0-9-]+$/;
/** Made from the body itself (CONTENT_LENGTH), undone by us (the transfer coding), or dangerous. */
const NO_VARIABLE: ReadonlySet<string> = new Set(['content-length', 'transfer-encoding', 'proxy']);

/** `name NUL value NUL` for each variable, '' if there is none. A name comes once: repeated fields are one list. */
export function fieldVariables(fields: Fields): string {
  // Never inside a request, where a repeated name is recognized by its variable.
  if (variables.size >= MAX_VARIABLES) variables.clear();
  const number = ++requestNumber;
  let text = '';
  for (let i = 0; i < fields.length; i += 2) {
    const variable = variableOf(fields[i]!);
    if (variable === null) continue;
    if (variable.seenIn === number) return joinedVariables(fields);
    variable.seenIn = number;
    text += `${variable.name}\0${fields[i + 1]}\0`;
  }
  return text;
}

/** The same for a request that repeats a field: one list (RFC 9110 section 5.3), Cookie with `; ` (RFC 6265 section 5.4). */
function joinedVariables(fields: Fields): string {
  const values = new Map<string, string>();
  for (let i = 0; i < fields.length; i += 2) {
    const variable = variableOf(fields[i]!);
    if (variable === null) continue;
    const before = values.get(variable.name);
    const value = fields[i + 1]!;
    values.set(
      variable.name,
      before === undefined ? value : before + (variable.name === 'HTTP_COOKIE' ? '; ' : ', ') + value,
    );
  }
  let text = '';
  for (const [name, value] of values) text += `${name}\0${value}\0`;
  return text;
}

function variableOf(fieldName: string): Variable | null {
  let variable = variables.get(fieldName);
  if (variable === undefined) {
    variable = makeVariable(fieldName);
    // Else 64 KiB would be kept for each name that somebody invents.
    variables.set(detached(fieldName), variable);
  }
  return variable;
}

/** Two spellings of a name share one variable, so that a repetition is seen. */
function makeVariable(fieldName: string): Variable | null {
  const lower = fieldName.toLowerCase();
  if (!PLAIN_NAME.test(fieldName) || NO_VARIABLE.has(lower)) return null;
  if (lower !== fieldName) return variableOf(lower);
  const upper = lower.toUpperCase().replaceAll('-', '_');
  return { name: upper === 'CONTENT_TYPE' ? upper : `HTTP_${upper}`, seenIn: 0 };
}
