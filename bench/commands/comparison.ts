/** Contenders against baselines under the same loads, pair by pair. */
import type { Contender } from '../contenders/contender.js';
import type { Certificate } from '../environment/certificate.js';
import type { LoadClient } from '../load/load-client.js';
import type { Workload } from '../workload.js';
import { noting, type Failure } from './failures.js';
import { measurePair, type PairOptions, type PairResult } from './pair.js';

export interface Comparison<W extends Workload, Target, On> {
  readonly client: LoadClient;
  readonly workloads: readonly W[];
  readonly baselines: readonly Contender<Target, On>[];
  /** Those that take part in the measurement of a workload, baselines too. */
  contendersFor(workload: W): readonly Contender<Target, On>[];
  /** How the servers name it. */
  targetOf(workload: W): Target;
  connectionsFor(workload: W): readonly number[];
  readonly options: Omit<PairOptions, 'connections'>;
  /** For TLS. */
  readonly certificate?: Certificate | undefined;
  readonly environment: On;
  readonly settleMs: number;
}

export interface ComparisonResults {
  readonly pairs: PairResult[];
  readonly failures: Failure[];
}

export async function compare<W extends Workload, Target, On>(
  comparison: Comparison<W, Target, On>,
): Promise<ComparisonResults> {
  const { client, workloads, baselines, options, certificate, environment, settleMs } = comparison;
  const results: ComparisonResults = { pairs: [], failures: [] };
  for (const workload of workloads) {
    for (const [baseline, contender] of pairings(baselines, comparison.contendersFor(workload))) {
      await noting(results.failures, `${contender.name} and ${baseline.name}, ${workload.name}`, async () => {
        const pairs = await measurePair({
          client,
          workload,
          target: comparison.targetOf(workload),
          baseline,
          contender,
          options: { ...options, connections: comparison.connectionsFor(workload) },
          certificate,
          environment,
          settleMs,
        });
        results.pairs.push(...pairs);
      });
    }
  }
  return results;
}

/** Each baseline with each contender, and each two baselines once. */
function pairings<C>(baselines: readonly C[], contenders: readonly C[]): [C, C][] {
  return baselines.flatMap((baseline, index) => {
    const done = baselines.slice(0, index + 1);
    return contenders
      .filter((contender) => !done.includes(contender))
      .map((contender): [C, C] => [baseline, contender]);
  });
}
