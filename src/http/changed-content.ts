/** The head, and the trailers, of an answer whose content was changed on its way (RFC 9110 section 7.7). */
import type { Fields, Trailers } from '../types.js';
import { combinedValue, withoutFields } from './field-values.js';
import { isWeak } from './entity-tag.js';
import type { ResponseHead } from './response-head.js';

/** What speaks of the bytes that were there before: their number, their parts, their digests (RFC 9530, RFC 3230, RFC 1864). */
const OF_THE_BYTES: ReadonlySet<string> = new Set([
  'accept-ranges',
  'content-digest',
  'content-length',
  'content-md5',
  'digest',
  'repr-digest',
]);
const VALIDATORS: ReadonlySet<string> = new Set(['etag', 'last-modified']);

/** How a content is to be read, and which part it is: what a 304, which has none, says nothing about (RFC 9110 section 15.4.5). */
export const OF_THE_CONTENT: ReadonlySet<string> = new Set([
  ...OF_THE_BYTES,
  ...['content-disposition', 'content-encoding', 'content-language', 'content-range', 'content-type'],
]);

/** All that another content in its place cannot take over. */
export const OF_THE_REPRESENTATION: ReadonlySet<string> = new Set([
  ...OF_THE_CONTENT,
  ...VALIDATORS,
  'content-location',
]);

/** Whether it says that nobody may change its content (RFC 9111 section 5.2.2.6). */
export function forbidsChange(fields: Fields): boolean {
  const value = combinedValue(fields, 'cache-control');
  return value !== undefined && /(?:^|,)\s*no-transform\s*(?:,|$)/i.test(value);
}

/** Of other bytes that mean the same, as a content coding makes them: the entity tag is weak then (section 8.8.3.3). */
export function recodedFields(fields: Fields): Fields {
  return weaklyTagged(withoutFields(fields, OF_THE_BYTES));
}

/** Of another content: no validator tells its versions apart. */
export function rewrittenFields(fields: Fields): Fields {
  return withoutFields(withoutFields(fields, OF_THE_BYTES), VALIDATORS);
}

/** Trailers behind other bytes that mean the same; undefined if none is left. */
export function recodedTrailers(trailers: Trailers | undefined): Trailers | undefined {
  return changedTrailers(trailers, recodedFields);
}

/** Trailers behind another content; undefined if none is left. */
export function rewrittenTrailers(trailers: Trailers | undefined): Trailers | undefined {
  return changedTrailers(trailers, rewrittenFields);
}

function changedTrailers(
  trailers: Trailers | undefined,
  change: (fields: Fields) => Fields,
): Trailers | undefined {
  if (trailers === undefined) return undefined;
  const named = change(trailers.names.flatMap((name) => [name, '']));
  const names = named.filter((_, i) => i % 2 === 0);
  return names.length === 0 ? undefined : { names, fields: () => change(trailers.fields()) };
}

/** The same with a weak entity tag in the place of a strong one. */
export function weaklyTagged(fields: Fields): Fields {
  return fields.map((value, i) =>
    i % 2 === 1 && fields[i - 1]!.toLowerCase() === 'etag' && !isWeak(value) ? `W/${value}` : value,
  );
}

/** Lower case, without parameters; '' if there is none. */
export function mediaTypeIn(fields: Fields): string {
  return (combinedValue(fields, 'content-type') ?? '').split(';', 1)[0]!.trim().toLowerCase();
}

/** Whether its content is there as a whole, as it is read, and may be changed. */
export function mayBeRewritten({ status, fields }: ResponseHead): boolean {
  if (status < 200 || status === 204 || status === 205 || status === 206 || status === 304) return false;
  const coding = combinedValue(fields, 'content-encoding')?.trim().toLowerCase() ?? '';
  return (coding === '' || coding === 'identity') && !forbidsChange(fields);
}

/** The charset that Content-Type names, lower case; undefined if it names none. */
export function charsetIn(fields: Fields): string | undefined {
  const value = combinedValue(fields, 'content-type') ?? '';
  return /;\s*charset\s*=\s*"?([^\s;"]+)/i.exec(value)?.[1]?.toLowerCase();
}
