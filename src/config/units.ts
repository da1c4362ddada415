/**
 * The units people write: durations (`30`, `500ms`, `2m`), sizes (`8190`, `64kb`, `10mb`) and ranges of workers (`4`, `2..8`).
 *
 * Inside the program a duration is always milliseconds and a size always bytes.
 */

import type { WorkerRange } from '../types.js';

const DURATION = /^([0-9]{1,9}(?:\.[0-9]{1,3})?)(ms|s|m|h)?$/;
const WORKER_RANGE = /^([0-9]{1,4})(?:\.\.([0-9]{1,4}))?$/;
const SIZE = /^([0-9]{1,15}(?:\.[0-9]{1,3})?)(b|kb|mb|gb)?$/i;

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const UNIT_BYTES: Readonly<Record<string, number>> = { b: 1, kb: 2 ** 10, mb: 2 ** 20, gb: 2 ** 30 };

/** How a duration is written, for messages. */
export const DURATION_FORM = 'seconds (30) or a duration (500ms, 30s, 2m)';

/** How a size is written, for messages. */
export const SIZE_FORM = 'bytes (8190) or a size (64kb, 10mb, 1gb)';

/** How many workers there may be, for messages. */
export const MAX_WORKERS = 1024;

/** How a range of workers is written, for messages. */
export const WORKER_RANGE_FORM = `a whole number from 1 to ${MAX_WORKERS}, or MIN..MAX`;

/** `4` or `2..8` → a range; undefined for anything else. */
export function parseWorkerRange(text: string): WorkerRange | undefined {
  const [, min = '', max = min] = WORKER_RANGE.exec(text) ?? [];
  const range = { min: Number(min), max: Number(max) };
  return range.min >= 1 && range.min <= range.max && range.max <= MAX_WORKERS ? range : undefined;
}

/** `4`, or `2..8`. */
export function formatWorkerRange({ min, max }: WorkerRange): string {
  return min === max ? String(min) : `${min}..${max}`;
}

/** Milliseconds; a number without a unit is seconds. undefined if the text is not a duration. */
export function parseDuration(text: string): number | undefined {
  const match = DURATION.exec(text);
  if (match === null) return undefined;
  return Math.round(Number(match[1]) * UNIT_MS[match[2] ?? 's']!);
}

/** Bytes; 1kb is 1,024. undefined if the text is not a size. */
export function parseSize(text: string): number | undefined {
  const match = SIZE.exec(text);
  if (match === null) return undefined;
  const bytes = Math.round(Number(match[1]) * UNIT_BYTES[(match[2] ?? 'b').toLowerCase()]!);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}
