/**
 * Runs inside a gateway: `node --import 'file:///…/event-loop-delay.js?socket=PATH' …`. Measures how late timers of the
 * main thread are, and tells each client of the Unix socket, as JSON, what has come up since the last one.
 */
import { createServer } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';

/** Of the intervals between two ticks, which are to be `resolutionMs` long: what is beyond is delay. */
export interface IntervalSnapshot {
  readonly resolutionMs: number;
  readonly ticks: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** So that a delay is met by ticks as it is by requests: shorter intervals would not notice each other's. */
const RESOLUTION_MS = 10;
const NANOSECONDS_PER_MS = 1_000_000;

const socketPath = new URL(import.meta.url).searchParams.get('socket') ?? '';
const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
histogram.enable();

createServer((socket) => {
  socket.end(`${JSON.stringify(snapshot())}\n`);
  histogram.reset();
})
  .listen(socketPath)
  .unref();

function snapshot(): IntervalSnapshot {
  return {
    resolutionMs: RESOLUTION_MS,
    ticks: histogram.count,
    p50Ms: histogram.percentile(50) / NANOSECONDS_PER_MS,
    p99Ms: histogram.percentile(99) / NANOSECONDS_PER_MS,
    maxMs: histogram.max / NANOSECONDS_PER_MS,
  };
}
