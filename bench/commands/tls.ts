/** Applications over TLS (HTTP/1.1, keep-alive): each server against the baseline, pair by pair, with the same certificate. */
import { makeCertificate } from '../environment/certificate.js';
import type { Environment } from '../environment/environment.js';
import { wrkClient } from '../load/wrk.js';
import type { Options } from '../options.js';
import { loadSections } from '../report/load-tables.js';
import { printReport } from '../report/report.js';
import { compare } from './comparison.js';
import { failureSections } from './failures.js';
import { participants } from './participants.js';

const SETTLE_MS = 150;

export async function measureTls(options: Options, environment: Environment): Promise<boolean> {
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
    certificate: makeCertificate(environment.scratchDirectory),
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
      ...loadSections(options, taking, pairs),
      'TLS 1.3, an ECDSA certificate with P-256.',
      ...failureSections(failures),
    ],
    raw: { pairs, failures },
    jsonFile: options.jsonFile,
  });
  return failures.length === 0;
}
