/** The tables of `bench wsgi`: one for each application and number of connections. */
import type { PairResult, Unserved } from '../commands/wsgi.js';
import type { Contender } from '../contenders/contender.js';
import type { Round } from '../load/wrk.js';
import { median } from '../measures/statistics.js';
import type { Options } from '../options.js';
import { formatCount, formatMebibytes, formatMilliseconds, formatNumber, formatRatio } from './figures.js';
import { markdownTable } from './markdown-table.js';

export function loadSections(
  options: Options,
  taking: readonly Contender[],
  pairs: readonly PairResult[],
): string[] {
  return options.applications.flatMap((application) =>
    options.connections.map((connections) => {
      const here = pairs.filter(
        (pair) => pair.application === application.name && pair.connections === connections,
      );
      const rows = taking.map(({ name }) => rowOf(name, options.baseline.name, here));
      const title = `### ${application.title}, ${connections} connections`;
      return `${title}\n\n${markdownTable(headingFor(options.baseline.name), rows)}`;
    }),
  );
}

export function unservedSection(options: Options, unserved: readonly Unserved[]): string {
  const heading = ['contender', ...options.connections.map((connections) => `of ${connections}`)];
  const rows = unserved.map(({ contender, results }) => [
    contender,
    ...results.map((result) => formatCount(result.unserved)),
  ]);
  const title = '### Connections that were never served (hello, 2 seconds)';
  return `${title}\n\n${markdownTable(heading, rows)}`;
}

function headingFor(baseline: string): string[] {
  return [
    'contender',
    'req/s',
    `${baseline} ÷ this`,
    'CPU µs/req',
    'p50 ms',
    'p99 ms',
    'errors: status',
    'socket',
    'timeout',
    'memory MiB (PSS)',
  ];
}

function rowOf(name: string, baseline: string, pairs: readonly PairResult[]): string[] {
  if (name === baseline) {
    const rounds = pairs.flatMap((pair) => pair.rounds.map((round) => round.baseline));
    const memory = median(pairs.map((pair) => pair.baselineMemoryBytes));
    return [name, ...figuresOf(rounds, 1, memory)];
  }
  const pair = pairs.find((candidate) => candidate.contender === name);
  if (!pair) return [name, 'failed'];
  const ratio = median(
    pair.rounds.map((round) => round.baseline.requestsPerSecond / round.contender.requestsPerSecond),
  );
  const rounds = pair.rounds.map((round) => round.contender);
  return [name, ...figuresOf(rounds, ratio, pair.contenderMemoryBytes)];
}

function figuresOf(rounds: readonly Round[], ratio: number, memoryBytes: number): string[] {
  const middle = (figure: (round: Round) => number): number => median(rounds.map(figure));
  const total = (figure: (round: Round) => number): number =>
    rounds.reduce((sum, round) => sum + figure(round), 0);
  return [
    formatCount(middle((round) => round.requestsPerSecond)),
    formatRatio(ratio),
    formatNumber(
      middle((round) => round.cpuMicrosecondsPerRequest),
      1,
    ),
    formatMilliseconds(middle((round) => round.p50Microseconds) / 1000),
    formatMilliseconds(middle((round) => round.p99Microseconds) / 1000),
    formatCount(total((round) => round.statusErrors)),
    formatCount(total((round) => round.socketErrors)),
    formatCount(total((round) => round.timeouts)),
    formatMebibytes(memoryBytes),
  ];
}
