/**
 * The path of a route, as a person writes it:
 *
 *     /shop            a prefix, of whole segments: /shop and /shop/cart, not /shopping
 *     /users/:id       a pattern: :id stands for any one segment that is not empty
 *     /files/*         a * at the end stands for one segment or more, the last of which may be empty: /files/ but not /files
 *     /shop$           a $ at the end is the end of the path, as in robots.txt (RFC 9309 section 2.2.3): /shop, and neither /shop/ nor
 *                      /shop/cart; /$ is nothing but /. A name that ends so is written with %24
 *
 * Text is compared decoded, byte by byte, case and all.
 */
import { decodeSegments } from './segments.js';

/** One segment of a pattern: its decoded text, or anything. */
export type PatternSegment = { readonly text: string } | { readonly name: string };

export interface PathPattern {
  readonly segments: readonly PatternSegment[];
  /** What may follow the segments: anything or nothing; nothing; at least one segment. */
  readonly end: 'prefix' | 'exact' | 'rest';
}

/** Every path, `*` of OPTIONS among them. */
export const ANY_PATH: PathPattern = { segments: [], end: 'prefix' };

/** How a path is written, for messages. */
export const PATH_FORM = 'a path, for example /shop, /users/:id or /files/*';

/** At the end of a pattern. */
export const END = '$';

const NAME = /^:[A-Za-z_]\w*$/;

/** @returns undefined for what is not {@link PATH_FORM} */
export function parsePathPattern(text: string): PathPattern | undefined {
  const hasEnd = text.endsWith(END);
  const decoded = decodeSegments(hasEnd ? text.slice(0, -1) : text);
  if (decoded.kind === 'refused' || /[?#\s]/.test(text)) return undefined;
  const last = decoded.segments.at(-1);
  const hasRest = last === '*' && !hasEnd;
  const written = hasRest || (last === '' && !hasEnd) ? decoded.segments.slice(0, -1) : decoded.segments;
  // Only the last may be empty, and counts where the end of the path does.
  if (written.slice(0, -1).includes('') || (written.at(-1) === '' && !hasEnd)) return undefined;
  if (written.some((segment) => segment.includes('*'))) return undefined;
  if (written.some((segment) => segment.startsWith(':') && !NAME.test(segment))) return undefined;
  const segments = written.map((segment) =>
    segment.startsWith(':') ? { name: segment.slice(1) } : { text: segment },
  );
  const names = segments.flatMap((segment) => ('name' in segment ? [segment.name] : []));
  if (new Set(names).size < names.length) return undefined;
  return { segments, end: hasRest ? 'rest' : hasEnd || names.length > 0 ? 'exact' : 'prefix' };
}

/** Whether it stands for a path. Not for one that could mean another to whoever reads it next. @param path percent-encoded */
export function fitsPattern({ segments, end }: PathPattern, path: string): boolean {
  const decoded = decodeSegments(path);
  if (decoded.kind === 'refused') return false;
  const given = decoded.segments;
  const more = given.length - segments.length;
  if (end === 'exact' ? more !== 0 : more < (end === 'rest' ? 1 : 0)) return false;
  return segments.every((segment, i) => ('text' in segment ? segment.text === given[i] : given[i] !== ''));
}

/** As it was written, or could have been. */
export function formatPathPattern({ segments, end }: PathPattern): string {
  const parts = segments.map((segment) => ('name' in segment ? `:${segment.name}` : segment.text));
  const isMarked = end === 'exact' && (parts.at(-1) === '' || !segments.some((segment) => 'name' in segment));
  return `/${[...parts, ...(end === 'rest' ? ['*'] : [])].join('/')}${isMarked ? END : ''}`;
}
