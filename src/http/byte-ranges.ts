/**
 * Byte ranges (RFC 9110 section 14): which parts of a representation a Range asks for.
 *
 * What it may cost is bounded: of many ranges none counts, and parts that overlap, or that lie so close that the lines between
 * them were longer than what they leave out, become one (section 15.3.7.2).
 */

/** A part; `length` is at least 1. */
export interface ByteRange {
  readonly offset: number;
  readonly length: number;
}

/** `all`: the field does not count, and the answer is the whole. `none`: 416. */
export type RangeRequest = 'all' | 'none' | readonly ByteRange[];

const MAX_RANGES = 32;
/** About what the head of a part takes. */
const NEAR_BYTES = 80;
const RANGE = /^(?:(?<first>\d+)-(?<last>\d*)|-(?<suffix>\d+))$/;

/** @param size of the representation, in bytes */
export function parseRange(value: string, size: number): RangeRequest {
  const list = /^bytes=(?<list>.*)$/i.exec(value.trim())?.groups?.['list'];
  if (list === undefined) return 'all';
  const specs = list
    .split(',', MAX_RANGES * 2)
    .map((spec) => spec.trim())
    .filter((spec) => spec !== '');
  if (specs.length === 0 || specs.length > MAX_RANGES) return 'all';
  const ranges: ByteRange[] = [];
  for (const spec of specs) {
    const range = readRange(spec, size);
    if (range === 'invalid') return 'all';
    if (range !== 'unsatisfiable') ranges.push(range);
  }
  if (ranges.length === 0) return 'none';
  // The end of nothing: there is no Content-Range for that.
  return size === 0 ? 'all' : coalesce(ranges);
}

/** `bytes 0-499/1234`; of a 416, without a range, `bytes *\/1234`. */
export function contentRange(size: number, range?: ByteRange): string {
  return range === undefined
    ? `bytes */${size}`
    : `bytes ${range.offset}-${range.offset + range.length - 1}/${size}`;
}

function readRange(spec: string, size: number): ByteRange | 'invalid' | 'unsatisfiable' {
  const groups = RANGE.exec(spec)?.groups;
  if (groups === undefined) return 'invalid';
  if (groups['suffix'] !== undefined) {
    const length = Math.min(Number(groups['suffix']), size);
    return Number(groups['suffix']) === 0 ? 'unsatisfiable' : { offset: size - length, length };
  }
  const first = Number(groups['first']);
  const last = groups['last'] === '' ? Infinity : Number(groups['last']);
  if (last < first) return 'invalid';
  return first >= size ? 'unsatisfiable' : { offset: first, length: Math.min(last, size - 1) - first + 1 };
}

/** In the order that was asked for, unless some become one: then in that of the representation. */
function coalesce(ranges: readonly ByteRange[]): readonly ByteRange[] {
  const merged: ByteRange[] = [];
  for (const range of ranges.toSorted((a, b) => a.offset - b.offset)) {
    const before = merged.at(-1);
    if (before === undefined || range.offset > before.offset + before.length + NEAR_BYTES) merged.push(range);
    else merged[merged.length - 1] = union(before, range);
  }
  return merged.length === ranges.length ? ranges : merged;
}

function union(a: ByteRange, b: ByteRange): ByteRange {
  return { offset: a.offset, length: Math.max(a.offset + a.length, b.offset + b.length) - a.offset };
}
