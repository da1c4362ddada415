/** The tables of `bench cgi`: one for each program and number of connections, with a ratio for each baseline. */
import type { CgiOptions } from '../cgi-options.js';
import type { CgiProgram } from '../cgi-programs.js';
import type { PairResult } from '../commands/pair.js';
import type { Round } from '../load/wrk.js';
import { median } from '../measures/statistics.js';
import { formatRatio } from './figures.js';
import { markdownTable } from './markdown-table.js';
import { loadFigures, loadHeading, rateFigure, rateHeading } from './round-figures.js';

interface Named {
  readonly name: string;
}

export interface CgiTables {
  readonly options: CgiOptions;
  readonly programs: readonly CgiProgram[];
  readonly baselines: readonly Named[];
  /** Those that took part in the measurement of a program. */
  contendersFor(program: CgiProgram): readonly Named[];
  readonly pairs: readonly PairResult[];
}

export function cgiSections({ options, programs, baselines, contendersFor, pairs }: CgiTables): string[] {
  const heading = [
    'contender',
    rateHeading,
    ...baselines.map(({ name }) => `this ÷ ${name}`),
    ...loadHeading,
  ];
  return programs.flatMap((program) =>
    options.connections.map((connections) => {
      const here = pairs.filter((pair) => pair.workload === program.name && pair.connections === connections);
      const rows = contendersFor(program).map(({ name }) => rowOf(name, baselines, here));
      return `### ${program.title}, ${connections} connections\n\n${markdownTable(heading, rows)}`;
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
