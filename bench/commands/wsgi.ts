/**
 * Each server against the baseline, pair by pair. The ratio is the median over the rounds of the ratio within a pair.
 */
import { hello } from '../applications.js';
import type { Contender, RunningServer } from '../contenders/contender.js';
import type { Environment } from '../environment/environment.js';
import { countUnserved, type UnservedResult } from '../measures/unserved-connections.js';
import type { Options } from '../options.js';
import { unservedSection } from '../report/load-tables.js';
import { say } from '../report/report.js';
import { compareApplications, reportApplications } from './applications.js';
import { noting } from './failures.js';
import { withServer } from './participants.js';

export interface Unserved {
  readonly contender: string;
  readonly results: readonly UnservedResult[];
}

const UNSERVED_SECONDS = 2;

export async function measureWsgi(options: Options, environment: Environment): Promise<boolean> {
  const results = await compareApplications(options, environment);
  const unserved: Unserved[] = [];
  for (const contender of results.taking) {
    await noting(results.failures, `${contender.name}, unserved connections`, async () => {
      unserved.push(await measureUnserved(contender, options, environment));
    });
  }
  return reportApplications(options, environment, results, {
    sections: [unservedSection(options, unserved)],
    raw: { unserved },
  });
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
