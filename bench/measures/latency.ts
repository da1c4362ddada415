/** Latency of a normal client that opens a new connection for every request. */
import { ClientConnection } from '../http/client-connection.js';
import { percentile } from './statistics.js';

export interface LatencyRecord {
  readonly answered: number;
  /** Requests that failed or had no answer within the limit. */
  readonly failed: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export interface Probing {
  readonly request: Buffer;
  readonly seconds: number;
  /** Pause between an answer and the next request. */
  readonly pauseMs: number;
}

const LIMIT_MS = 5_000;
/** A server that answers nobody is not asked for ever. */
const MAX_FAILURES = 3;

export async function measureLatency(
  port: number,
  { request, seconds, pauseMs }: Probing,
): Promise<LatencyRecord> {
  const latencies: number[] = [];
  const deadline = performance.now() + seconds * 1000;
  let failed = 0;
  while (performance.now() < deadline && failed < MAX_FAILURES) {
    const start = performance.now();
    if (await isAnswered(port, request)) latencies.push(performance.now() - start);
    else failed += 1;
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
  return {
    answered: latencies.length,
    failed,
    p50Ms: percentile(latencies, 0.5),
    p99Ms: percentile(latencies, 0.99),
    maxMs: percentile(latencies, 1),
  };
}

async function isAnswered(port: number, request: Buffer): Promise<boolean> {
  let connection: ClientConnection | undefined;
  try {
    connection = await ClientConnection.open(port, LIMIT_MS);
    return (await connection.request(request, LIMIT_MS)).status === 200;
  } catch {
    return false;
  } finally {
    connection?.destroy();
  }
}
