/**
 * Each server against the baseline, pair by pair. The ratio is the median over the rounds of the ratio within a pair.
 */
import { hello } from '../applications.js';
import type { Contender, RunningServer } from '../contenders/contender.js';
import type { Environment } from '../environment/environment.js';
import { wrkClient } from '../load/wrk.js';
import { countUnserved, type UnservedResult } from '../measures/unserved-connections.js';
import type { Options } from '../options.js';
import { loadSections, unservedSection } from '../report/load-tables.js';
import { printReport, say } from '../report/report.js';
import { compare } from './comparison.js';
import { failureSections, noting } from './failures.js';
import { participants, withServer } from './participants.js';

export interface Unserved {
  readonly contender: string;
  readonly results: readonly UnservedResult[];
}

const UNSERVED_SECONDS = 2;
const SETTLE_MS = 150;

export async function measureWsgi(options: Options, environment: Environment): Promise<boolean> {
  const { baseline } = options;
  const client = wrkClient(environment.wrk);
  const { taking, absent } = participants([baseline, ...options.only], environment);
  if (taking[0] !== baseline) throw new Error(`the baseline ${baseline.name} is missing`);
  const { pairs, failures } = await compare({
    client,
    workloads: options.applications,
    baselines: [baseline],
    contendersFor: () => taking,
    targetOf: ({ target }) => target,
    connectionsFor: () => options.connections,
    options,
    environment,
    settleMs: SETTLE_MS,
  });
  const unserved: Unserved[] = [];
  for (const contender of taking) {
    await noting(failures, `${contender.name}, unserved connections`, async () => {
      unserved.push(await measureUnserved(contender, options, environment));
    });
  }

  printReport({
    environment,
    command: options.commandLine,
    workers: options.workers,
    taking,
    absent,
    sections: [
      ...loadSections(options, taking, pairs),
      unservedSection(options, unserved),
      ...failureSections(failures),
    ],
    raw: { pairs, unserved, failures },
    jsonFile: options.jsonFile,
  });
  return failures.length === 0;
}

async function measureUnserved(
  contender: Contender,
  options: Options,
  environment: Environment,
): Promise<Unserved> {
  const setup = { target: hello.target, options, environment };
  const results: UnservedResult[] = [];
  for (const connections of options.connections) {
    const shape = { connections, seconds: UNSERVED_SECONDS };
    const count = (server: RunningServer): Promise<UnservedResult> =>
      countUnserved(server.port, hello.exchanges[0].request, shape);
    results.push(await withServer(contender, setup, count));
  }
  const text = results.map((result) => `${result.unserved} of ${result.connections}`).join(', ');
  say(`${contender.name}: never served ${text}`);
  return { contender: contender.name, results };
}
