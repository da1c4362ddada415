/** How messages show a value that was not expected: bounded, on one line, and without what nobody is to see. */

/** Stands in the place of a secret. */
export const HIDDEN = '<hidden>';

const MAX_CHARS = 200;

/** What JSON lets through, and could steer a terminal: DEL, C1, separators of lines, and the marks that turn the direction of text round. */
const STEERING = /[\u007f-\u009f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** As JSON, where JSON has it; not much of one that is long. `undefined` is `nothing`; of an object of a class, only the class is named. */
export function formatReceived(value: unknown): string {
  if (value === HIDDEN) return HIDDEN;
  switch (typeof value) {
    case 'undefined':
      return 'nothing';
    case 'function':
    case 'symbol':
      return `a ${typeof value}`;
    case 'bigint':
      return `${value}n`;
    case 'number':
      // Also those that JSON does not have.
      return String(value);
    case 'string':
      return formatText(value);
    default:
      return shorten(escapeSteering(formatObject(value)));
  }
}

/** Only of which kind it is: what an application has returned or thrown may be a secret. */
export function formatKind(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null || typeof value !== 'object')
    return `a value of type ${value === null ? 'null' : typeof value}`;
  return `an object of ${classOf(value)}`;
}

/** It is cut before it is quoted, and so seen to be cut. */
function formatText(text: string): string {
  return text.length <= MAX_CHARS
    ? escapeSteering(JSON.stringify(text))
    : `${escapeSteering(JSON.stringify(text.slice(0, MAX_CHARS)))}...`;
}

function formatObject(value: unknown): string {
  try {
    if (value instanceof Promise) return 'a promise';
    if (value instanceof Map || value instanceof Set) return `a ${classOf(value)}`;
    return (hasJson(value) ? toJson(value) : undefined) ?? formatKind(value);
  } catch {
    // It is inside of itself, a getter has thrown, or it is a proxy that has been revoked.
    return formatKind(value);
  }
}

/** @returns undefined if its toJSON has it so */
function toJson(value: unknown): string | undefined {
  return JSON.stringify(value, function (this: Record<string, unknown>, key, below: unknown) {
    // Before its own toJSON was asked.
    const item = this[key];
    return hasJson(item) ? below : formatReceived(item);
  }) as string | undefined;
}

/** Whether JSON shows it, or leaves it out. */
function hasJson(value: unknown): boolean {
  if (typeof value === 'bigint') return false;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return true;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function classOf(value: object): string {
  try {
    // Not its own property of that name: a client may have sent one.
    const { constructor } = Object.getPrototypeOf(value) as object;
    const name: unknown = constructor.name;
    return typeof name === 'string' && name !== ''
      ? shorten(escapeSteering(JSON.stringify(name).slice(1, -1)))
      : 'no class';
  } catch {
    return 'no class';
  }
}

function shorten(text: string): string {
  return text.length <= MAX_CHARS ? text : `${text.slice(0, MAX_CHARS)}...`;
}

function escapeSteering(json: string): string {
  return json.replaceAll(STEERING, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
