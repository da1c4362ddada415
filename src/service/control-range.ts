import type { WorkerRange } from '../types.js';

/** What {@link parseWorkerRange} takes, for messages. */
export const WORKER_RANGE_FORM = 'a whole number from 1 to 1024, or MIN..MAX';

const MAX_WORKERS = 1024;

/** `4`, `"4"` or `"2..8"` → a range; undefined for anything else. */
export function parseWorkerRange(value: unknown): WorkerRange | undefined {
  if (typeof value !== 'string' && typeof value !== 'number') return undefined;
  const [, min = '', max = min] = /^([0-9]{1,4})(?:\.\.([0-9]{1,4}))?$/.exec(String(value)) ?? [];
  const range = { min: Number(min), max: Number(max) };
  return range.min >= 1 && range.min <= range.max && range.max <= MAX_WORKERS ? range : undefined;
}

/** `4`, or `2..8`. */
export function formatWorkerRange({ min, max }: WorkerRange): string {
  return min === max ? String(min) : `${min}..${max}`;
}
