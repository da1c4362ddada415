/** Rounds of load by wrk, over HTTP/1.1, with the server's CPU time in each. */
import { wrkScript } from '../environment/directories.js';
import { validateAnswers } from '../measures/validation.js';
import { runProgram } from '../processes/program-run.js';
import type { Workload } from '../workload.js';
import {
  requireBytes,
  type LoadClient,
  type LoadedServer,
  type LoadShape,
  type Round,
} from './load-client.js';

interface WrkResult {
  readonly requests: number;
  readonly microseconds: number;
  readonly bytes: number;
  readonly p50: number;
  readonly p99: number;
  readonly connect: number;
  readonly read: number;
  readonly write: number;
  readonly status: number;
  readonly timeout: number;
}

/** wrk needs a moment beyond its duration to end. */
const LIMIT_BEYOND_MS = 10_000;

/** @throws when wrk is not there. */
export function wrkClient(wrk: string | undefined): LoadClient {
  if (!wrk) throw new Error('wrk is missing; install the Debian package wrk');
  return {
    validate: async ({ port, certificate }, workload) => {
      await validateAnswers(port, workload, certificate);
    },
    load: (server, workload, shape) => runRound(wrk, server, workload, shape),
  };
}

async function runRound(
  wrk: string,
  server: LoadedServer,
  workload: Workload,
  shape: LoadShape,
): Promise<Round> {
  const cpuBefore = server.cpuMicroseconds();
  const result = await runWrk(wrk, wrkArguments(server, workload, shape), shape.seconds);
  const cpu = server.cpuMicroseconds() - cpuBefore;
  requireBytes(workload, { answers: result.requests - result.status, bytes: result.bytes });
  return {
    requests: result.requests,
    requestsPerSecond: (result.requests / result.microseconds) * 1_000_000,
    cpuMicrosecondsPerRequest: cpu / result.requests,
    p50Microseconds: result.p50,
    p99Microseconds: result.p99,
    statusErrors: result.status,
    socketErrors: result.connect + result.read + result.write,
    timeouts: result.timeout,
  };
}

function wrkArguments(
  { port, certificate }: LoadedServer,
  { load }: Workload,
  { connections, seconds }: LoadShape,
): string[] {
  return [
    '-t1',
    `-c${connections}`,
    `-d${seconds}s`,
    '--latency',
    ...['-s', wrkScript],
    ...(load.fields ?? []).flatMap((field) => ['-H', field]),
    `${certificate ? 'https' : 'http'}://127.0.0.1:${port}${load.path}`,
    '--',
    ...(load.postBytes > 0 ? ['POST', String(load.postBytes)] : ['GET']),
  ];
}

async function runWrk(program: string, args: readonly string[], seconds: number): Promise<WrkResult> {
  const output = await runProgram({ program, args, limitMs: seconds * 1000 + LIMIT_BEYOND_MS });
  const line = output.split('\n').find((candidate) => candidate.startsWith('{'));
  if (line === undefined) throw new Error(`wrk gave no result:\n${output}`);
  return JSON.parse(line) as WrkResult;
}
