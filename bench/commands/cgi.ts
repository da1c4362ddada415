/**
 * CGI programs: each contender against each baseline, pair by pair. The ratio is the median over the rounds of the
 * ratio within a pair.
 */
import type { CgiOptions } from '../cgi-options.js';
import { MOUNT, programMissing, type CgiProgram } from '../cgi-programs.js';
import { cgiContenders } from '../contenders/cgi/catalog.js';
import type { CgiContender } from '../contenders/cgi/cgi-contender.js';
import type { CgiEnvironment } from '../environment/cgi-environment.js';
import { wrkClient } from '../load/wrk.js';
import { comparisonSections } from '../report/comparison-tables.js';
import { printReport, type Absence } from '../report/report.js';
import { compare } from './comparison.js';
import { failureSections } from './failures.js';
import { participants } from './participants.js';

/** Thirty-two starting interpreters that a round leaves behind take half a second of two cores. */
const SETTLE_MS = 700;

const CPU_NOTE =
  'CPU µs/req is that of the server and of the programs that it ran, from the accounts of its control group ' +
  '(a dash where none could be made, which takes root). Programs that were under way at the end of a round are in the ' +
  'time and not in the count.';

export async function measureCgi(options: CgiOptions, environment: CgiEnvironment): Promise<boolean> {
  const { programsDirectory } = environment;
  const client = wrkClient(environment.wrk);
  const isWanted = (contender: CgiContender): boolean =>
    options.only.includes(contender) || options.baselines.includes(contender);
  const { taking, absent } = participants(cgiContenders.filter(isWanted), environment);
  const baselines = options.baselines.filter((contender) => taking.includes(contender));
  const contendersFor = (program: CgiProgram): CgiContender[] =>
    taking.filter((contender) => contender.differsFor(program));
  const { programs, unmeasured } = measurable(options.programs, environment);
  const { pairs, failures } = await compare({
    client,
    workloads: programs,
    baselines,
    contendersFor,
    targetOf: () => ({ path: programsDirectory, mount: MOUNT, environment: {} }),
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
    absent: [...absent, ...unmeasured],
    sections: [
      ...comparisonSections({
        workloads: programs,
        connectionsFor: () => options.connections,
        baselines,
        contendersFor,
        pairs,
      }),
      CPU_NOTE,
      ...failureSections(failures),
    ],
    raw: { pairs, failures },
    jsonFile: options.jsonFile,
  });
  return failures.length === 0;
}

function measurable(
  wanted: readonly CgiProgram[],
  environment: CgiEnvironment,
): { programs: CgiProgram[]; unmeasured: Absence[] } {
  const programs: CgiProgram[] = [];
  const unmeasured: Absence[] = [];
  for (const program of wanted) {
    const reason = programMissing(program, environment);
    if (reason === undefined) programs.push(program);
    else unmeasured.push({ name: program.name, reason });
  }
  return { programs, unmeasured };
}
