/** What rounds of load come to, in the columns that every table of load has. */
import type { Round } from '../load/load-client.js';
import { median } from '../measures/statistics.js';
import { formatCount, formatMebibytes, formatMilliseconds, formatNumber } from './figures.js';

/** Stand before the ratios, and after them. */
export const rateHeading = 'req/s';
export const loadHeading = [
  'CPU µs/req',
  'p50 ms',
  'p99 ms',
  'errors: status',
  'socket',
  'timeout',
  'memory MiB (PSS)',
];

/** The median. */
export function rateFigure(rounds: readonly Round[]): string {
  return formatCount(median(rounds.map((round) => round.requestsPerSecond)));
}

/** Medians of times, sums of errors. */
export function loadFigures(rounds: readonly Round[], memoryBytes: number): string[] {
  const middle = (figure: (round: Round) => number): number => median(rounds.map(figure));
  const total = (figure: (round: Round) => number): number =>
    rounds.reduce((sum, round) => sum + figure(round), 0);
  return [
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
