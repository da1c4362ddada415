/**
 * What becomes of the requests that a worker had in hand when it died: no request is lost, and none that is not safe is run
 * twice (docs/protocol.md, "Started, not started"). Pure: a table of the cases is tests/unit/workers/loss.test.ts.
 *
 *  * Nobody waits for its answer any more, or it got 504 already: nothing.
 *  * Its answer had begun, or it was running: it fails.
 *  * It was started before one that was running, and its answer never came: a safe one is handed back. The others had
 *    their answer sent before the worker claimed the next; so one that is here all the same may have been run, and fails.
 *  * It was not started: it is handed back.
 */
import type { Job } from './job.js';
import type { Task } from './task.js';

/** What is asked of a request. */
export type Lost = Pick<Task, 'job' | 'stream' | 'headSeen' | 'interruptedAtMs'>;

export interface Loss {
  /** To be answered with 502, or truncated. */
  readonly failed: readonly Job[];
  /** For another worker, in the order in which they were sent. */
  readonly handedBack: readonly Job[];
}

/** @param claimed the stream id that each slot of the worker had claimed last, 0 if none */
export function sortLoss(tasks: Iterable<Lost>, claimed: readonly number[]): Loss {
  const failed: Job[] = [];
  const handedBack: Job[] = [];
  for (const { job, stream, headSeen, interruptedAtMs } of tasks) {
    if (job === null || interruptedAtMs !== undefined) continue;
    if (headSeen || claimed.includes(stream) || (!job.safe && wasStarted(stream, claimed))) failed.push(job);
    else handedBack.push(job);
  }
  return { failed, handedBack };
}

/** Whether the only slot of a worker had come as far as this stream; of several slots that cannot be told. */
function wasStarted(stream: number, claimed: readonly number[]): boolean {
  const [latest = 0, ...others] = claimed;
  return latest !== 0 && others.length === 0 && !isLater(stream, latest);
}

/** Whether stream `a` was opened after stream `b` (serial numbers, RFC 1982). */
function isLater(a: number, b: number): boolean {
  return a !== b && (a - b) >>> 0 < 0x8000_0000;
}
