/**
 * Each server against the baseline, pair by pair: both run, and the rounds of load alternate, so that what else
 * the machine does hits both. The ratio is the median over the rounds of the ratio within a pair.
 */
import { hello, type Application } from '../applications.js';
import type { Contender, RunningServer } from '../contenders/contender.js';
import type { Environment } from '../environment/environment.js';
import { runRound, type Round } from '../load/wrk.js';
import { countUnserved, type UnservedResult } from '../measures/unserved-connections.js';
import { validateAnswers } from '../measures/validation.js';
import type { Options } from '../options.js';
import { proportionalBytes } from '../processes/process-table.js';
import { loadSections, unservedSection } from '../report/load-tables.js';
import { printReport, say } from '../report/report.js';
import { participants, withServer } from './participants.js';

/** One contender and the baseline under one load. */
export interface PairResult {
  readonly application: string;
  readonly connections: number;
  readonly contender: string;
  readonly rounds: readonly { readonly baseline: Round; readonly contender: Round }[];
  readonly baselineMemoryBytes: number;
  readonly contenderMemoryBytes: number;
}

export interface Unserved {
  readonly contender: string;
  readonly results: readonly UnservedResult[];
}

/** Something that went wrong, which is reported in place of figures. */
export interface Failure {
  readonly what: string;
  readonly message: string;
}

interface Results {
  readonly pairs: PairResult[];
  readonly unserved: Unserved[];
  readonly failures: Failure[];
}

const WARM_UP = { connections: 32, seconds: 1 };
const UNSERVED_SECONDS = 2;
/** Between two rounds, for the server to close what the last one left. */
const SETTLE_MS = 150;

export async function measureWsgi(options: Options, environment: Environment): Promise<boolean> {
  const { wrk } = environment;
  if (!wrk) throw new Error('wrk is missing; install the Debian package wrk');
  const { taking, absent } = participants([options.baseline, ...options.only], environment);
  if (taking[0] !== options.baseline) throw new Error(`the baseline ${options.baseline.name} is missing`);
  const results: Results = { pairs: [], unserved: [], failures: [] };

  for (const application of options.applications) {
    for (const contender of taking.slice(1)) {
      await noting(results, `${contender.name}, ${application.name}`, () =>
        measurePair({ wrk, application, contender, options, environment }, results),
      );
    }
  }
  for (const contender of taking) {
    await noting(results, `${contender.name}, unserved connections`, async () => {
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
      ...results.failures.map(({ what, message }) => `Failed: ${what}: ${message}`),
    ],
    raw: results,
    jsonFile: options.jsonFile,
  });
  return results.failures.length === 0;
}

/** One contender's failure does not end the others' measurement. */
async function noting(results: Results, what: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const { message } = error as Error;
    say(`${what}: ${message}`);
    results.failures.push({ what, message });
  }
}

interface Pairing {
  readonly wrk: string;
  readonly application: Application;
  readonly contender: Contender;
  readonly options: Options;
  readonly environment: Environment;
}

async function measurePair(pairing: Pairing, results: Results): Promise<void> {
  const { wrk, application, contender, options, environment } = pairing;
  const setup = { target: application.target, options, environment };
  await withServer(options.baseline, setup, (baselineServer) =>
    withServer(contender, setup, async (contenderServer) => {
      const servers = [baselineServer, contenderServer];
      for (const server of servers) await validateAnswers(server.port, application);
      for (const server of servers) {
        await runRound(wrk, server, application, WARM_UP);
      }
      for (const connections of options.connections) {
        results.pairs.push(await loadPair(pairing, { baselineServer, contenderServer, connections }));
      }
      for (const server of servers) await validateAnswers(server.port, application);
    }),
  );
}

interface PairLoad {
  readonly baselineServer: RunningServer;
  readonly contenderServer: RunningServer;
  readonly connections: number;
}

async function loadPair(
  { wrk, application, contender, options }: Pairing,
  { baselineServer, contenderServer, connections }: PairLoad,
): Promise<PairResult> {
  const load = async (server: RunningServer, seconds: number): Promise<Round> => {
    const round = await runRound(wrk, server, application, { connections, seconds });
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    return round;
  };
  const rounds: PairResult['rounds'][number][] = [];
  for (let number = 0; number < options.rounds; number += 1) {
    const baseline = await load(baselineServer, options.seconds);
    rounds.push({ baseline, contender: await load(contenderServer, options.seconds) });
    sayRound(options.baseline, contender, application, connections, rounds.at(-1));
  }
  return {
    application: application.name,
    connections,
    contender: contender.name,
    rounds,
    baselineMemoryBytes: proportionalBytes(baselineServer.pids()),
    contenderMemoryBytes: proportionalBytes(contenderServer.pids()),
  };
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

function sayRound(
  baseline: Contender,
  contender: Contender,
  application: Application,
  connections: number,
  round: PairResult['rounds'][number] | undefined,
): void {
  if (!round) return;
  const rate = ({ requestsPerSecond }: Round): string => String(Math.round(requestsPerSecond));
  say(
    `${application.name}, ${connections} connections: ${baseline.name} ${rate(round.baseline)}, ` +
      `${contender.name} ${rate(round.contender)}`,
  );
}
