/** One round of load by wrk, with the server's CPU time in that round. */
import type { RunningServer } from '../contenders/contender.js';
import { wrkScript } from '../environment/directories.js';
import { runProgram } from '../processes/program-run.js';
import type { Workload } from '../workload.js';

export interface LoadShape {
  readonly connections: number;
  readonly seconds: number;
}

export interface Round {
  readonly requests: number;
  readonly requestsPerSecond: number;
  /** All processes of the server; NaN if it cannot be told. */
  readonly cpuMicrosecondsPerRequest: number;
  readonly p50Microseconds: number;
  readonly p99Microseconds: number;
  /** Answers with a status of 400 and more. */
  readonly statusErrors: number;
  /** Connections that could not be made, read or written. */
  readonly socketErrors: number;
  /** Requests that waited for two seconds (wrk's limit). */
  readonly timeouts: number;
}

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

/** @throws when wrk fails, or fewer bytes came than the counted answers have. */
export async function runRound(
  wrk: string,
  server: RunningServer,
  workload: Workload,
  shape: LoadShape,
): Promise<Round> {
  const cpuBefore = server.cpuMicroseconds();
  const result = await runWrk(wrk, wrkArguments(server.port, workload, shape), shape.seconds);
  const cpu = server.cpuMicroseconds() - cpuBefore;
  const expectedBytes = (result.requests - result.status) * workload.load.answerBytes;
  if (result.bytes < expectedBytes) {
    throw new Error(`${result.requests} answers had ${result.bytes} bytes and not ${expectedBytes}`);
  }
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

function wrkArguments(port: number, { load }: Workload, { connections, seconds }: LoadShape): string[] {
  return [
    '-t1',
    `-c${connections}`,
    `-d${seconds}s`,
    '--latency',
    ...['-s', wrkScript],
    `http://127.0.0.1:${port}${load.path}`,
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
