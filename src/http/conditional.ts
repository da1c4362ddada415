/**
 * Conditional requests (RFC 9110 section 13): what is to be done about a request for a representation that exists, in the order
 * of section 13.2.2.
 */
import type { Fields } from '../types.js';
import { parseHttpDate } from './date.js';
import {
  type EntityTag,
  type EntityTagList,
  isWeak,
  matchesStrongly,
  matchesWeakly,
  parseEntityTags,
} from './entity-tag.js';
import { combinedValue } from './field-values.js';

/** What a representation is told apart from its other versions by. */
export interface Validators {
  readonly etag: EntityTag;
  /** Whole seconds, in milliseconds. */
  readonly lastModifiedMs: number;
}

/** `failed` is a 412, `unmodified` a 304; both only for what would have been a success. */
export type Precondition = 'passed' | 'failed' | 'unmodified';

/** Whether it has a field that asks for more than the whole representation: most requests have none, and are spared the rest. */
export function isConditional(fields: Fields): boolean {
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i]!;
    // I or R, in any case: if-*, range.
    const first = name.charCodeAt(0) | 0x20;
    if (first === 0x69 ? (name.charCodeAt(1) | 0x20) === 0x66 : first === 0x72 && name.length === 5)
      return true;
  }
  return false;
}

/** For GET and HEAD. A field that cannot be read is as if it were not there, but for If-Match, which then matches nothing. */
export function evaluatePreconditions(fields: Fields, current: Validators): Precondition {
  const ifMatch = combinedValue(fields, 'if-match');
  if (ifMatch !== undefined) {
    if (!lists(parseEntityTags(ifMatch) ?? [], current.etag, matchesStrongly)) return 'failed';
  } else {
    const since = dateOf(fields, 'if-unmodified-since');
    if (since !== undefined && current.lastModifiedMs > since) return 'failed';
  }
  const ifNoneMatch = combinedValue(fields, 'if-none-match');
  if (ifNoneMatch !== undefined)
    return lists(parseEntityTags(ifNoneMatch) ?? [], current.etag, matchesWeakly) ? 'unmodified' : 'passed';
  const since = dateOf(fields, 'if-modified-since');
  return since !== undefined && current.lastModifiedMs <= since ? 'unmodified' : 'passed';
}

/** Whether a Range counts (RFC 9110 section 13.1.5): without If-Range, or if the client has a part of just this version. */
export function rangeCounts(fields: Fields, current: Validators): boolean {
  const value = combinedValue(fields, 'if-range');
  if (value === undefined) return true;
  if (value.includes('"')) return matchesStrongly(value.trim(), current.etag);
  // Of a file that may change again within its second, the date is weak too.
  return !isWeak(current.etag) && parseHttpDate(value.trim()) === current.lastModifiedMs;
}

function lists(
  tags: EntityTagList,
  current: EntityTag,
  matches: (a: EntityTag, b: EntityTag) => boolean,
): boolean {
  return tags === '*' || tags.some((tag) => matches(tag, current));
}

function dateOf(fields: Fields, lowerCaseName: string): number | undefined {
  const value = combinedValue(fields, lowerCaseName);
  return value === undefined ? undefined : parseHttpDate(value.trim());
}
