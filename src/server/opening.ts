/** Connections before their first request: a PROXY header or a handshake is under way. */
import type { HttpDeadlines, Log } from '../types.js';

/** What all of them share. */
export interface OpeningContext {
  readonly deadlines: HttpDeadlines;
  readonly log: Log;
  /** `performance.now()` at the beginning of the shutdown, or undefined. */
  readonly drainingSinceMs: number | undefined;
  /** How long an idle connection may still send a request then. */
  readonly drainIdleMs: number;
}

/** Whether one that has been opening since then has had its time, or is not waited for any more. */
export function isOverdue(
  sinceMs: number,
  nowMs: number,
  limitMs: number,
  { drainingSinceMs, drainIdleMs }: OpeningContext,
): boolean {
  if (nowMs - sinceMs > limitMs) return true;
  return drainingSinceMs !== undefined && nowMs - Math.max(drainingSinceMs, sinceMs) > drainIdleMs;
}
