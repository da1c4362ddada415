/** How late is the gateway's event loop while CGI requests come at a steady rate? Programs must cost others no time. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CgiOptions } from '../cgi-options.js';
import { helloC, helloPython, MOUNT } from '../cgi-programs.js';
import type { PacedTally } from '../clients/paced-requests.js';
import type { RunningServer } from '../contenders/contender.js';
import { startXgiCgi, xgiWarm } from '../contenders/cgi/xgi.js';
import type { CgiEnvironment } from '../environment/cgi-environment.js';
import { runPacedLoad } from '../load/paced.js';
import { probeFlags, readDelay, type DelayRecord } from '../measures/event-loop-delay.js';
import { validateAnswers } from '../measures/validation.js';
import { formatCount, formatMilliseconds } from '../report/figures.js';
import { markdownTable } from '../report/markdown-table.js';
import { printReport, say } from '../report/report.js';
import { participants, withServer } from './participants.js';

interface DelayResult {
  readonly requestsPerSecond: number;
  readonly delay: DelayRecord;
  /** Absent if nothing was asked. */
  readonly tally?: PacedTally;
}

const PROGRAMS = [helloC, helloPython];
const WARM_UP_SECONDS = 2;

export async function measureCgiDelay(options: CgiOptions, environment: CgiEnvironment): Promise<boolean> {
  const { taking, absent } = participants([xgiWarm], environment);
  if (taking.length === 0) throw new Error('xgi is missing');
  const target = { path: environment.programsDirectory, mount: MOUNT, environment: {} };
  const socketPath = join(environment.scratchDirectory, 'event-loop-delay.sock');
  const probed: Pick<typeof xgiWarm, 'start'> = {
    start: (request) => startXgiCgi(request, { flags: [], nodeFlags: probeFlags(socketPath) }),
  };
  const results = await withServer(probed, { target, options, environment }, (server) =>
    compareDelay(server, options, socketPath),
  );
  printReport({
    environment,
    command: options.commandLine,
    workers: options.workers,
    taking,
    absent,
    sections: [section(results, options)],
    raw: results,
    jsonFile: options.jsonFile,
  });
  return results.every(({ tally }) => tally === undefined || tally.answered === tally.sent);
}

/** Without and with requests. */
async function compareDelay(
  { port }: RunningServer,
  { requestsPerSecond, seconds }: CgiOptions,
  socketPath: string,
): Promise<DelayResult[]> {
  for (const program of PROGRAMS) await validateAnswers(port, program);
  const load = { port, requestsPerSecond, programs: PROGRAMS };
  await runPacedLoad({ ...load, seconds: WARM_UP_SECONDS });

  await readDelay(socketPath);
  await sleep(seconds * 1000);
  const idle = await readDelay(socketPath);
  const tally = await runPacedLoad({ ...load, seconds });
  const loaded = await readDelay(socketPath);
  say(`${requestsPerSecond} requests/s: ${tally.answered} of ${tally.sent} answered`);
  for (const program of PROGRAMS) await validateAnswers(port, program);
  return [
    { requestsPerSecond: 0, delay: idle },
    { requestsPerSecond, delay: loaded, tally },
  ];
}

function section(results: readonly DelayResult[], { seconds }: CgiOptions): string {
  const heading = [
    'requests/s',
    'event loop delay p50 ms',
    'p99 ms',
    'max ms',
    'sent',
    'answered',
    'latency p50 ms',
    'p99 ms',
    'max ms',
    'at once, at most',
  ];
  const rows = results.map(({ requestsPerSecond, delay, tally }) => [
    formatCount(requestsPerSecond),
    ...timeCells(delay),
    ...(tally ? tallyCells(tally) : []),
  ]);
  const failures = results.flatMap(({ tally }) => tally?.firstFailure ?? []);
  return [
    `### The gateway's event loop for ${seconds} s (C and Python hello in turn)`,
    markdownTable(heading, rows, 0),
    'The delay is how much later than due ticks of 10 ms came (the timers of Node.js count whole milliseconds); the ' +
      'latency is that of a request from the moment at which it was due.',
    ...failures.map((message) => `The first request that failed: ${message}`),
  ].join('\n\n');
}

function tallyCells(tally: PacedTally): string[] {
  return [
    formatCount(tally.sent),
    formatCount(tally.answered),
    ...timeCells(tally),
    formatCount(tally.maxInFlight),
  ];
}

function timeCells({ p50Ms, p99Ms, maxMs }: DelayRecord): string[] {
  return [p50Ms, p99Ms, maxMs].map(formatMilliseconds);
}
