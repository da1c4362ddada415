/** WSGI applications on each server, against the baseline, pair by pair. */
import { makeCertificate } from '../environment/certificate.js';
import type { Contender } from '../contenders/contender.js';
import type { Environment } from '../environment/environment.js';
import { wrkClient } from '../load/wrk.js';
import type { Options } from '../options.js';
import { loadSections } from '../report/load-tables.js';
import { printReport, type Absence } from '../report/report.js';
import { compare, type ComparisonResults } from './comparison.js';
import { failureSections } from './failures.js';
import { participants } from './participants.js';

export interface ApplicationResults extends ComparisonResults {
  readonly taking: readonly Contender[];
  readonly absent: readonly Absence[];
}

const SETTLE_MS = 150;

/** @param overTls with one certificate for all */
export async function compareApplications(
  options: Options,
  environment: Environment,
  overTls = false,
): Promise<ApplicationResults> {
  const { baseline } = options;
  const { taking, absent } = participants([baseline, ...options.only], environment);
  if (taking[0] !== baseline) throw new Error(`the baseline ${baseline.name} is missing`);
  const results = await compare({
    client: wrkClient(environment.wrk),
    workloads: options.applications,
    baselines: [baseline],
    contendersFor: () => taking,
    targetOf: ({ target }) => target,
    connectionsFor: () => options.connections,
    options,
    certificate: overTls ? makeCertificate(environment.scratchDirectory) : undefined,
    environment,
    settleMs: SETTLE_MS,
  });
  return { taking, absent, ...results };
}

interface Further {
  /** Behind the tables. */
  readonly sections?: readonly string[];
  readonly raw?: Readonly<Record<string, unknown>>;
}

/** @returns whether everything was right */
export function reportApplications(
  options: Options,
  environment: Environment,
  { taking, absent, pairs, failures }: ApplicationResults,
  { sections = [], raw = {} }: Further = {},
): boolean {
  printReport({
    environment,
    command: options.commandLine,
    workers: options.workers,
    taking,
    absent,
    sections: [...loadSections(options, taking, pairs), ...sections, ...failureSections(failures)],
    raw: { pairs, ...raw, failures },
    jsonFile: options.jsonFile,
  });
  return failures.length === 0;
}
