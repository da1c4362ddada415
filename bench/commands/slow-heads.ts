/** Is a normal client delayed by many clients that send their heads byte by byte (Slowloris)? */
import { hello } from '../applications.js';
import type { SlowHeadTally } from '../clients/slow-head-clients.js';
import type { Contender, RunningServer } from '../contenders/contender.js';
import type { Environment } from '../environment/environment.js';
import { SlowHeads } from '../load/slow-heads.js';
import { measureLatency, type LatencyRecord } from '../measures/latency.js';
import { validateAnswers } from '../measures/validation.js';
import type { Options } from '../options.js';
import { formatCount, formatMilliseconds } from '../report/figures.js';
import { markdownTable } from '../report/markdown-table.js';
import { printReport, say } from '../report/report.js';
import { participants, withServer } from './participants.js';

interface SlowHeadsResult {
  readonly contender: string;
  readonly slowClients: number;
  readonly without: LatencyRecord;
  readonly with: LatencyRecord;
  readonly tally: SlowHeadTally;
}

const PROBE_PAUSE_MS = 2;

export async function measureSlowHeads(options: Options, environment: Environment): Promise<boolean> {
  const { taking, absent } = participants(options.only, environment);
  const results: SlowHeadsResult[] = [];
  for (const contender of taking) {
    const setup = { target: hello.target, options, environment };
    for (const slowClients of options.connections) {
      const compare = (server: RunningServer): Promise<SlowHeadsResult> =>
        compareLatency(contender, server, { slowClients, seconds: options.seconds });
      results.push(await withServer(contender, setup, compare));
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
  return results.every((result) => result.with.failed === 0 && result.without.failed === 0);
}

async function compareLatency(
  contender: Contender,
  server: RunningServer,
  { slowClients, seconds }: { readonly slowClients: number; readonly seconds: number },
): Promise<SlowHeadsResult> {
  await validateAnswers(server.port, hello);
  const probing = { request: hello.exchanges[0].request, seconds, pauseMs: PROBE_PAUSE_MS };
  // The first measurement also warms the server and this client up, so it is made twice.
  await measureLatency(server.port, { ...probing, seconds: 1 });
  const without = await measureLatency(server.port, probing);
  const slowHeads = await SlowHeads.start(server.port, slowClients);
  say(`${contender.name}: ${slowClients} slow clients are connected`);
  const withThem = await measureLatency(server.port, probing);
  const tally = await slowHeads.stop();
  return { contender: contender.name, slowClients, without, with: withThem, tally };
}

function section(results: readonly SlowHeadsResult[]): string {
  const heading = [
    'contender',
    'slow clients',
    'answered',
    'failed',
    'p50 ms',
    'p99 ms',
    'max ms',
    'bytes they sent',
    'closed by the server',
  ];
  const rows = results.flatMap((result) => [
    [result.contender, '0', ...latencyCells(result.without), '', ''],
    [
      result.contender,
      formatCount(result.slowClients),
      ...latencyCells(result.with),
      formatCount(result.tally.sentBytes),
      formatCount(result.tally.closedByServer),
    ],
  ]);
  const title =
    '### A normal client (a new connection for each request) beside clients with slow heads (hello)';
  return `${title}\n\n${markdownTable(heading, rows)}`;
}

function latencyCells({ answered, failed, p50Ms, p99Ms, maxMs }: LatencyRecord): string[] {
  const times = [p50Ms, p99Ms, maxMs].map(formatMilliseconds);
  return [formatCount(answered), formatCount(failed), ...times];
}
