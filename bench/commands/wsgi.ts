/**
 * Each server against the baseline, pair by pair. The ratio is the median over the rounds of the ratio within a pair.
 */
import { hello } from '../applications.js';
import type { Contender, RunningServer } from '../contenders/contender.js';
import type { Environment } from '../environment/environment.js';
import { countUnserved, type UnservedResult } from '../measures/unserved-connections.js';
import type { Options } from '../options.js';
import { loadSections, unservedSection } from '../report/load-tables.js';
import { printReport, say } from '../report/report.js';
import { failureSections, noting, type Failure } from './failures.js';
import { measurePair, type PairResult } from './pair.js';
import { participants, withServer } from './participants.js';

export interface Unserved {
  readonly contender: string;
  readonly results: readonly UnservedResult[];
}

interface Results {
  readonly pairs: PairResult[];
  readonly unserved: Unserved[];
  readonly failures: Failure[];
}

const UNSERVED_SECONDS = 2;
const SETTLE_MS = 150;

export async function measureWsgi(options: Options, environment: Environment): Promise<boolean> {
  const { wrk } = environment;
  const { baseline } = options;
  if (!wrk) throw new Error('wrk is missing; install the Debian package wrk');
  const { taking, absent } = participants([baseline, ...options.only], environment);
  if (taking[0] !== baseline) throw new Error(`the baseline ${baseline.name} is missing`);
  const results: Results = { pairs: [], unserved: [], failures: [] };

  for (const workload of options.applications) {
    const { target } = workload;
    for (const contender of taking.slice(1)) {
      await noting(results.failures, `${contender.name}, ${workload.name}`, async () => {
        const both = { baseline, contender, settleMs: SETTLE_MS };
        results.pairs.push(...(await measurePair({ wrk, workload, target, ...both, options, environment })));
      });
    }
  }
  for (const contender of taking) {
    await noting(results.failures, `${contender.name}, unserved connections`, async () => {
      results.unserved.push(await measureUnserved(contender, options, environment));
    });
  }

  printReport({
    environment,
    command: options.commandLine,
    workers: options.workers,
    taking,
    absent,
    sections: [
      ...loadSections(options, taking, results.pairs),
      unservedSection(options, results.unserved),
      ...failureSections(results.failures),
    ],
    raw: results,
    jsonFile: options.jsonFile,
  });
  return results.failures.length === 0;
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
