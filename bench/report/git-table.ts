/** The table of `bench cgi-git`. */
import type { CgiOptions } from '../cgi-options.js';
import type { GitResult, GitTransfer } from '../commands/cgi-git.js';
import { median } from '../measures/statistics.js';
import { formatMebibytes, formatNumber, formatRatio } from './figures.js';
import { markdownTable } from './markdown-table.js';

export function gitSection(results: readonly GitResult[], options: CgiOptions): string {
  const heading = [
    'contender',
    'what',
    'seconds',
    ...options.baselines.map(({ name }) => `time ÷ ${name}'s`),
    'server MiB before (RSS)',
    'peak',
    'growth',
  ];
  const baselineResults = options.baselines.map(({ name }) =>
    results.find((result) => result.contender === name),
  );
  const rows = results.flatMap((result) => [
    [
      result.contender,
      'push',
      ...cells(
        result.pushes,
        baselineResults.map((baseline) => baseline?.pushes),
      ),
    ],
    [
      result.contender,
      'clone',
      ...cells(
        result.clones,
        baselineResults.map((baseline) => baseline?.clones),
      ),
    ],
  ]);
  return [
    `### git push and git clone of ${options.mebibytes} MiB in one commit`,
    markdownTable(heading, rows, 2),
    "Memory is that of the server's own processes, without git's: before the first round, and the peak of all rounds.",
  ].join('\n\n');
}

function cells(
  transfers: readonly GitTransfer[],
  baselines: readonly (readonly GitTransfer[] | undefined)[],
): string[] {
  const beforeBytes = transfers[0]?.memory.beforeBytes ?? NaN;
  const peakBytes = Math.max(...transfers.map(({ memory }) => memory.peakBytes));
  return [
    formatNumber(median(transfers.map(({ seconds }) => seconds)), 2),
    ...baselines.map((baseline) => formatRatio(ratio(transfers, baseline ?? []))),
    formatMebibytes(beforeBytes),
    formatMebibytes(peakBytes),
    formatMebibytes(peakBytes - beforeBytes),
  ];
}

function ratio(transfers: readonly GitTransfer[], baseline: readonly GitTransfer[]): number {
  return median(transfers.map(({ seconds }, round) => seconds / (baseline[round]?.seconds ?? NaN)));
}
