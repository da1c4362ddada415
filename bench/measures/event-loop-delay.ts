/** The delay of a gateway's event loop, asked of the probe that runs in it. */
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { pathToFileURL, fileURLToPath } from 'node:url';
import type { IntervalSnapshot } from '../probes/event-loop-delay.js';

export interface DelayRecord {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

const probe = fileURLToPath(new URL('../probes/event-loop-delay.js', import.meta.url));

/** Flags of Node.js for a process that is to answer at the socket. */
export function probeFlags(socketPath: string): string[] {
  const url = pathToFileURL(probe);
  url.searchParams.set('socket', socketPath);
  return ['--import', url.href];
}

/** What there was since it was asked the last time; how much later than due a tick of 10 ms came. */
export async function readDelay(socketPath: string): Promise<DelayRecord> {
  const { resolutionMs, ...intervals } = JSON.parse(
    await text(connect({ path: socketPath })),
  ) as IntervalSnapshot;
  const beyond = (intervalMs: number): number => Math.max(0, intervalMs - resolutionMs);
  return {
    p50Ms: beyond(intervals.p50Ms),
    p99Ms: beyond(intervals.p99Ms),
    maxMs: beyond(intervals.maxMs),
  };
}
