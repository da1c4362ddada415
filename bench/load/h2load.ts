/** Rounds of load by h2load, over HTTP/2 with TLS, with the server's CPU time in each. */
import { validateOverHttp2 } from '../measures/http2-validation.js';
import { runProgram } from '../processes/program-run.js';
import type { Workload } from '../workload.js';
import {
  requireBytes,
  type LoadClient,
  type LoadedServer,
  type LoadShape,
  type Round,
} from './load-client.js';

/** Over its time, h2load waits for the answers that are under way. */
const LIMIT_BEYOND_MS = 5_000;
/** On a busy machine a connection of h2load's may open only when the time is over; it goes on for ever then. */
const ATTEMPTS = 3;

/** @param streams at once on each connection @throws when h2load is not there */
export function h2loadClient(h2load: string | undefined, streams: number): LoadClient {
  if (!h2load) throw new Error('h2load is missing; install the Debian package nghttp2-client');
  return {
    validate: validateOverHttp2,
    async load(server, workload, shape) {
      const limitMs = shape.seconds * 1000 + LIMIT_BEYOND_MS;
      const args = h2loadArguments(server, workload, { ...shape, streams });
      for (let attempt = 1; ; attempt += 1) {
        const cpuBefore = server.cpuMicroseconds();
        try {
          const output = await runProgram({ program: h2load, args, limitMs });
          return readRound(output, workload, server.cpuMicroseconds() - cpuBefore);
        } catch (error) {
          if (attempt === ATTEMPTS || !(error as Error).message.includes('SIGKILL')) throw error;
        }
      }
    },
  };
}

function h2loadArguments(
  { port }: LoadedServer,
  { load }: Workload,
  { connections, seconds, streams }: LoadShape & { readonly streams: number },
): string[] {
  return [
    ...['-t', '1'],
    ...['-c', String(connections)],
    ...['-m', String(streams)],
    ...['-D', String(seconds)],
    `https://127.0.0.1:${port}${load.path}`,
  ];
}

/** Of h2load's report, without which nothing is worth anything, these lines. */
const REQUESTS = /^requests: .* (\d+) done, (\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout$/m;
const RATE = /^finished in \S+, ([\d.]+) req\/s/m;
const DATA = /^traffic: .* \((\d+)\) data$/m;
const PROTOCOL = /^Application protocol: h2$/m;

function readRound(output: string, workload: Workload, cpuMicroseconds: number): Round {
  const [, done, succeeded, failed, errored, timeouts] = match(REQUESTS, output).map(Number);
  const [, rate] = match(RATE, output).map(Number);
  const [, bytes] = match(DATA, output).map(Number);
  match(PROTOCOL, output);
  requireBytes(workload, { answers: succeeded!, bytes: bytes! });
  return {
    requests: done!,
    requestsPerSecond: rate!,
    cpuMicrosecondsPerRequest: cpuMicroseconds / done!,
    p50Microseconds: NaN,
    p99Microseconds: NaN,
    // Those that failed are those with such a status, and those without any.
    statusErrors: failed! - errored!,
    socketErrors: errored!,
    timeouts: timeouts!,
  };
}

function match(line: RegExp, output: string): RegExpExecArray {
  const found = line.exec(output);
  if (!found) throw new Error(`h2load's report is not as expected (${line}):\n${output}`);
  return found;
}
