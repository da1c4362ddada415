/**
 * Idle keep-alive connections: each is opened and does one request, then all are held. How much memory does the
 * gateway need for them, how quickly is a new client answered meanwhile, and do all still work afterwards?
 */
import { hello } from '../applications.js';
import type { Contender, RunningServer } from '../contenders/contender.js';
import type { Environment } from '../environment/environment.js';
import { ClientConnection } from '../http/client-connection.js';
import { measureLatency, type LatencyRecord } from '../measures/latency.js';
import { validateAnswers } from '../measures/validation.js';
import type { Options } from '../options.js';
import { residentBytes } from '../processes/process-table.js';
import { formatCount, formatMebibytes, formatMilliseconds } from '../report/figures.js';
import { markdownTable } from '../report/markdown-table.js';
import { printReport, say } from '../report/report.js';
import { participants, withServer } from './participants.js';

interface IdleResult {
  readonly contender: string;
  readonly wanted: number;
  /** Connections that were opened and got an answer. */
  readonly opened: number;
  /** Those that were open at the end and answered a second request. */
  readonly aliveAtEnd: number;
  readonly firstFailure: string | undefined;
  readonly gatewayBytesBefore: number;
  readonly gatewayBytesHeld: number;
  readonly workerBytesHeld: number;
  readonly latency: LatencyRecord;
}

const request = hello.exchanges[0].request;
/** How many are opened, or asked, at the same time. */
const BATCH = 100;
const LIMIT_MS = 5_000;
/** A server that refuses so many will not hold the others either. */
const MAX_FAILURES = 20;
const PROBE_PAUSE_MS = 5;

export async function measureIdle(options: Options, environment: Environment): Promise<boolean> {
  const { taking, absent } = participants(options.only, environment);
  const results: IdleResult[] = [];
  for (const contender of taking) {
    const setup = { target: hello.target, options, environment };
    for (const wanted of options.connections) {
      const hold = (server: RunningServer): Promise<IdleResult> =>
        holdConnections(contender, server, { wanted, seconds: options.seconds });
      results.push(await withServer(contender, setup, hold));
    }
  }
  printReport({
    environment,
    command: options.commandLine,
    workers: options.workers,
    taking,
    absent,
    sections: [section(results)],
    raw: results,
    jsonFile: options.jsonFile,
  });
  return results.every((result) => result.aliveAtEnd === result.wanted && result.latency.failed === 0);
}

async function holdConnections(
  contender: Contender,
  server: RunningServer,
  { wanted, seconds }: { readonly wanted: number; readonly seconds: number },
): Promise<IdleResult> {
  await validateAnswers(server.port, hello);
  const gatewayBytesBefore = residentBytes(server.roles().gateway);
  const { connections, firstFailure } = await openConnections(server.port, wanted);
  try {
    say(`${contender.name}: ${connections.length} of ${wanted} connections are open`);
    const latency = await measureLatency(server.port, { request, seconds, pauseMs: PROBE_PAUSE_MS });
    const { gateway, workers } = server.roles();
    const gatewayBytesHeld = residentBytes(gateway);
    const workerBytesHeld = residentBytes(workers);
    return {
      contender: contender.name,
      wanted,
      opened: connections.length,
      aliveAtEnd: await countAlive(connections),
      firstFailure,
      gatewayBytesBefore,
      gatewayBytesHeld,
      workerBytesHeld,
      latency,
    };
  } finally {
    for (const connection of connections) connection.destroy();
  }
}

async function openConnections(
  port: number,
  wanted: number,
): Promise<{ connections: ClientConnection[]; firstFailure: string | undefined }> {
  const connections: ClientConnection[] = [];
  const failures: string[] = [];
  const openOne = async (): Promise<void> => {
    try {
      const connection = await ClientConnection.open(port, LIMIT_MS);
      const { status } = await connection.request(request, LIMIT_MS);
      if (status !== 200) throw new Error(`status ${status}`);
      if (!connection.isOpen) throw new Error('the server closes after each answer');
      connections.push(connection);
    } catch (error) {
      failures.push((error as Error).message);
    }
  };
  while (connections.length < wanted && failures.length < MAX_FAILURES) {
    await Promise.all(Array.from({ length: Math.min(BATCH, wanted - connections.length) }, openOne));
  }
  return { connections, firstFailure: failures[0] };
}

async function countAlive(connections: readonly ClientConnection[]): Promise<number> {
  let alive = 0;
  for (let start = 0; start < connections.length; start += BATCH) {
    const answers = connections
      .slice(start, start + BATCH)
      .map((connection) => connection.request(request, LIMIT_MS));
    const settled = await Promise.allSettled(answers);
    alive += settled.filter((result) => result.status === 'fulfilled' && result.value.status === 200).length;
  }
  return alive;
}

function section(results: readonly IdleResult[]): string {
  const heading = [
    'contender',
    'connections',
    'held',
    'answer at the end',
    'gateway MiB before (RSS)',
    'gateway MiB held',
    'workers MiB',
    'new client p50 ms',
    'p99 ms',
    'max ms',
    'failed',
  ];
  const rows = results.map((result) => [
    result.contender,
    formatCount(result.wanted),
    formatCount(result.opened),
    formatCount(result.aliveAtEnd),
    formatMebibytes(result.gatewayBytesBefore),
    formatMebibytes(result.gatewayBytesHeld),
    formatMebibytes(result.workerBytesHeld),
    formatMilliseconds(result.latency.p50Ms),
    formatMilliseconds(result.latency.p99Ms),
    formatMilliseconds(result.latency.maxMs),
    formatCount(result.latency.failed),
  ]);
  const failures = results
    .filter((result) => result.firstFailure !== undefined)
    .map((result) => `\n\n${result.contender}: the first connection that failed: ${result.firstFailure}`);
  return `### Idle keep-alive connections (hello)\n\n${markdownTable(heading, rows)}${failures.join('')}`;
}
