/** How messages show a value that was not expected. */
import { HIDDEN } from './secrets.js';

const MAX_CHARS = 200;

/** As JSON, where JSON has it; not much of one that is long. `undefined` is `nothing`. */
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
    default:
      return shorten(formatObject(value));
  }
}

function formatObject(value: unknown): string {
  if (value instanceof Promise) return 'a promise';
  if (value instanceof Map || value instanceof Set) return `a ${value.constructor.name}`;
  return JSON.stringify(value, (_, below: unknown) =>
    typeof below === 'bigint' ? formatReceived(below) : below,
  );
}

function shorten(text: string): string {
  return text.length <= MAX_CHARS ? text : `${text.slice(0, MAX_CHARS)}…`;
}
