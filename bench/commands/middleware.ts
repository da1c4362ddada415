/** A hello behind five middleware: against the same without, and against nginx with `auth_basic` and a log in front of uWSGI. */
import type { Environment } from '../environment/environment.js';
import { wrkClient } from '../load/wrk.js';
import type { Options } from '../options.js';
import { loadSections } from '../report/load-tables.js';
import { printReport } from '../report/report.js';
import { compare } from './comparison.js';
import { failureSections } from './failures.js';
import { participants } from './participants.js';

const SETTLE_MS = 150;

export async function measureMiddleware(options: Options, environment: Environment): Promise<boolean> {
  const { baseline } = options;
  const { taking, absent } = participants([baseline, ...options.only], environment);
  if (taking[0] !== baseline) throw new Error(`the baseline ${baseline.name} is missing`);
  const { pairs, failures } = await compare({
    client: wrkClient(environment.wrk),
    workloads: options.applications,
    baselines: [baseline],
    contendersFor: () => taking,
    targetOf: ({ target }) => target,
    connectionsFor: () => options.connections,
    options,
    environment,
    settleMs: SETTLE_MS,
  });
  printReport({
    environment,
    command: options.commandLine,
    workers: options.workers,
    taking,
    absent,
    sections: [...loadSections(options, taking, pairs), ...failureSections(failures)],
    raw: { pairs, failures },
    jsonFile: options.jsonFile,
  });
  return failures.length === 0;
}
