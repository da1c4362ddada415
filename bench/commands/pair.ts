/**
 * Two servers under the same load: both run, and the rounds of load alternate, so that what else the machine does
 * hits both. Ratios are to be taken within a round.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Contender, RunningServer } from '../contenders/contender.js';
import type { LoadClient, Round } from '../load/load-client.js';
import { proportionalBytes } from '../processes/process-table.js';
import { say } from '../report/report.js';
import type { Workload } from '../workload.js';
import { withServer, type ServerSetup } from './participants.js';

/** One contender and a baseline under one load. */
export interface PairResult {
  readonly workload: string;
  readonly connections: number;
  readonly baseline: string;
  readonly contender: string;
  readonly rounds: readonly RoundPair[];
  readonly baselineMemoryBytes: number;
  readonly contenderMemoryBytes: number;
}

export interface RoundPair {
  readonly baseline: Round;
  readonly contender: Round;
}

export interface Pairing<Target, On> extends ServerSetup<Target, On> {
  readonly client: LoadClient;
  readonly workload: Workload;
  readonly baseline: Contender<Target, On>;
  readonly contender: Contender<Target, On>;
  readonly options: PairOptions;
  /** Between two rounds, for the server to end what the last one left. */
  readonly settleMs: number;
}

export interface PairOptions {
  readonly connections: readonly number[];
  readonly rounds: number;
  readonly seconds: number;
  readonly workers: number;
}

const WARM_UP = { connections: 32, seconds: 1 };

/** One result for each number of connections. @throws when an answer is wrong, before the load or after it. */
export function measurePair<Target, On>(pairing: Pairing<Target, On>): Promise<PairResult[]> {
  const { client, workload, options, settleMs } = pairing;
  return withServer(pairing.baseline, pairing, (baselineServer) =>
    withServer(pairing.contender, pairing, async (contenderServer) => {
      const servers = [baselineServer, contenderServer];
      for (const server of servers) await client.validate(server, workload);
      for (const server of servers) {
        await client.load(server, workload, WARM_UP);
        await sleep(settleMs);
      }
      const results: PairResult[] = [];
      for (const connections of options.connections) {
        results.push(await loadPair(pairing, { baselineServer, contenderServer, connections }));
      }
      for (const server of servers) await client.validate(server, workload);
      return results;
    }),
  );
}

interface PairLoad {
  readonly baselineServer: RunningServer;
  readonly contenderServer: RunningServer;
  readonly connections: number;
}

async function loadPair<Target, On>(
  { client, workload, baseline, contender, options, settleMs }: Pairing<Target, On>,
  { baselineServer, contenderServer, connections }: PairLoad,
): Promise<PairResult> {
  const load = async (server: RunningServer): Promise<Round> => {
    const round = await client.load(server, workload, { connections, seconds: options.seconds });
    await sleep(settleMs);
    return round;
  };
  const rounds: RoundPair[] = [];
  for (let number = 0; number < options.rounds; number += 1) {
    const round = { baseline: await load(baselineServer), contender: await load(contenderServer) };
    rounds.push(round);
    say(
      `${workload.name}, ${connections} connections: ${baseline.name} ${rate(round.baseline)}, ` +
        `${contender.name} ${rate(round.contender)}`,
    );
  }
  return {
    workload: workload.name,
    connections,
    baseline: baseline.name,
    contender: contender.name,
    rounds,
    baselineMemoryBytes: proportionalBytes(baselineServer.pids()),
    contenderMemoryBytes: proportionalBytes(contenderServer.pids()),
  };
}

function rate({ requestsPerSecond }: Round): string {
  return String(Math.round(requestsPerSecond));
}
