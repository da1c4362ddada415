/** Tables of a comparison: one for each workload and number of connections, with a ratio for each baseline. */
import type { PairResult } from '../commands/pair.js';
import type { Round } from '../load/load-client.js';
import { median } from '../measures/statistics.js';
import type { Workload } from '../workload.js';
import { formatRatio } from './figures.js';
import { markdownTable } from './markdown-table.js';
import { loadFigures, loadHeading, rateFigure, rateHeading } from './round-figures.js';

interface Named {
  readonly name: string;
}

export interface ComparisonTables<W extends Workload> {
  readonly workloads: readonly W[];
  connectionsFor(workload: W): readonly number[];
  readonly baselines: readonly Named[];
  /** Those that took part in the measurement of a workload. */
  contendersFor(workload: W): readonly Named[];
  readonly pairs: readonly PairResult[];
}

export function comparisonSections<W extends Workload>(tables: ComparisonTables<W>): string[] {
  const { workloads, baselines, pairs } = tables;
  const heading = [
    'contender',
    rateHeading,
    ...baselines.map(({ name }) => `this ÷ ${name}`),
    ...loadHeading,
  ];
  return workloads.flatMap((workload) =>
    tables.connectionsFor(workload).map((connections) => {
      const here = pairs.filter(
        (pair) => pair.workload === workload.name && pair.connections === connections,
      );
      const rows = tables.contendersFor(workload).map(({ name }) => rowOf(name, baselines, here));
      return `### ${workload.title}, ${connections} connections\n\n${markdownTable(heading, rows)}`;
    }),
  );
}

/** One contender's part in a pair: as contender, or as baseline of another. */
interface Side {
  readonly opponent: string;
  readonly rounds: readonly { readonly own: Round; readonly others: Round }[];
  readonly memoryBytes: number;
}

function rowOf(name: string, baselines: readonly Named[], pairs: readonly PairResult[]): string[] {
  const sides = pairs.flatMap((pair) => sideOf(name, pair) ?? []);
  if (sides.length === 0) return [name, 'failed'];
  const rounds = sides.flatMap((side) => side.rounds.map(({ own }) => own));
  const memoryBytes = median(sides.map((side) => side.memoryBytes));
  const ratios = baselines.map((baseline) =>
    formatRatio(baseline.name === name ? 1 : ratioAgainst(baseline.name, sides)),
  );
  return [name, rateFigure(rounds), ...ratios, ...loadFigures(rounds, memoryBytes)];
}

function sideOf(name: string, pair: PairResult): Side | undefined {
  if (pair.contender === name) {
    return {
      opponent: pair.baseline,
      rounds: pair.rounds.map(({ contender, baseline }) => ({ own: contender, others: baseline })),
      memoryBytes: pair.contenderMemoryBytes,
    };
  }
  if (pair.baseline !== name) return undefined;
  return {
    opponent: pair.contender,
    rounds: pair.rounds.map(({ contender, baseline }) => ({ own: baseline, others: contender })),
    memoryBytes: pair.baselineMemoryBytes,
  };
}

/** The median over the rounds; NaN if they were no pair. */
function ratioAgainst(opponent: string, sides: readonly Side[]): number {
  const rounds = sides.find((side) => side.opponent === opponent)?.rounds ?? [];
  return median(rounds.map(({ own, others }) => own.requestsPerSecond / others.requestsPerSecond));
}
