/**
 * Servers of static files, each contender against each baseline, pair by pair. The ratio is the median over the rounds of
 * the ratio within a pair.
 */
import { join } from 'node:path';
import type { StaticContender } from '../contenders/static/static-contender.js';
import type { Certificate } from '../environment/certificate.js';
import type { WebEnvironment } from '../environment/web-environment.js';
import type { LoadClient } from '../load/load-client.js';
import { comparisonSections } from '../report/comparison-tables.js';
import { printReport } from '../report/report.js';
import { prepareFiles, type StaticFile } from '../static-files.js';
import type { WebOptions } from '../web-options.js';
import { compare } from './comparison.js';
import { failureSections } from './failures.js';
import type { PairResult } from './pair.js';
import { participants } from './participants.js';

export interface StaticComparison {
  readonly options: WebOptions;
  readonly environment: WebEnvironment;
  readonly client: LoadClient;
  /** Of whom the options name some. */
  readonly contenders: readonly StaticContender[];
  /** What is asked for; those of the options by default. */
  readonly files?: readonly StaticFile[];
  /** For TLS. */
  readonly certificate?: Certificate;
  /** What stands below the tables. */
  notes?(pairs: readonly PairResult[]): string[];
}

const SETTLE_MS = 150;

/** Resolves with true if everything that was measured was also right. */
export async function compareStatic(comparison: StaticComparison): Promise<boolean> {
  const { options, environment, client, contenders, certificate, files = options.files } = comparison;
  const isWanted = (contender: StaticContender): boolean =>
    options.only.includes(contender) || options.baselines.includes(contender);
  const { taking, absent } = participants(contenders.filter(isWanted), environment);
  const root = prepareFiles(join(environment.scratchDirectory, 'files'), [...options.files, ...files]);
  const setup = {
    workloads: files,
    baselines: options.baselines.filter((contender) => taking.includes(contender)),
    contendersFor: () => taking,
    connectionsFor: ({ connections }: StaticFile) => options.connections ?? [connections],
  };
  const { pairs, failures } = await compare({
    ...setup,
    client,
    targetOf: () => ({ root }),
    options,
    certificate,
    environment,
    settleMs: SETTLE_MS,
  });
  printReport({
    environment,
    command: options.commandLine,
    workers: options.workers,
    taking,
    absent,
    sections: [
      ...comparisonSections({ ...setup, pairs }),
      ...(comparison.notes?.(pairs) ?? []),
      ...failureSections(failures),
    ],
    raw: { pairs, failures },
    jsonFile: options.jsonFile,
  });
  return failures.length === 0;
}
