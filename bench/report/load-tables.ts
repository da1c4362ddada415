/** The tables of `bench wsgi`: one for each application and number of connections. */
import type { PairResult } from '../commands/pair.js';
import type { Unserved } from '../commands/wsgi.js';
import type { Contender } from '../contenders/contender.js';
import { median } from '../measures/statistics.js';
import type { Options } from '../options.js';
import { formatCount, formatRatio } from './figures.js';
import { markdownTable } from './markdown-table.js';
import { loadFigures, loadHeading, rateFigure, rateHeading } from './round-figures.js';

export function loadSections(
  options: Options,
  taking: readonly Contender[],
  pairs: readonly PairResult[],
): string[] {
  return options.applications.flatMap((application) =>
    options.connections.map((connections) => {
      const here = pairs.filter(
        (pair) => pair.workload === application.name && pair.connections === connections,
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
  return ['contender', rateHeading, `${baseline} ÷ this`, ...loadHeading];
}

function rowOf(name: string, baseline: string, pairs: readonly PairResult[]): string[] {
  if (name === baseline) {
    const rounds = pairs.flatMap((pair) => pair.rounds.map((round) => round.baseline));
    const memory = median(pairs.map((pair) => pair.baselineMemoryBytes));
    return [name, rateFigure(rounds), formatRatio(1), ...loadFigures(rounds, memory)];
  }
  const pair = pairs.find((candidate) => candidate.contender === name);
  if (!pair) return [name, 'failed'];
  const ratio = median(
    pair.rounds.map((round) => round.baseline.requestsPerSecond / round.contender.requestsPerSecond),
  );
  const rounds = pair.rounds.map((round) => round.contender);
  return [name, rateFigure(rounds), formatRatio(ratio), ...loadFigures(rounds, pair.contenderMemoryBytes)];
}
