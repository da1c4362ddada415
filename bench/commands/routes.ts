/** What a configuration with a thousand routes costs a request: server CPU against the same server with one route. */
import { routesContenders } from '../contenders/static/catalog.js';
import { ROUTED_FOLDER } from '../contenders/static/xgi-routes.js';
import type { WebEnvironment } from '../environment/web-environment.js';
import { wrkClient } from '../load/wrk.js';
import { median } from '../measures/statistics.js';
import { formatNumber } from '../report/figures.js';
import { inFolder } from '../static-files.js';
import type { WebOptions } from '../web-options.js';
import type { PairResult } from './pair.js';
import { compareStatic } from './static-comparison.js';

export function measureRoutes(options: WebOptions, environment: WebEnvironment): Promise<boolean> {
  return compareStatic({
    options,
    environment,
    client: wrkClient(environment.wrk),
    contenders: routesContenders,
    files: options.files.map((file) => inFolder(ROUTED_FOLDER, file)),
    notes: (pairs) => pairs.map(addedCost),
  });
}

function addedCost({ workload, connections, contender, baseline, rounds }: PairResult): string {
  const differences = rounds.map(
    (round) => round.contender.cpuMicrosecondsPerRequest - round.baseline.cpuMicrosecondsPerRequest,
  );
  const figures = [median(differences), Math.min(...differences), Math.max(...differences)];
  const [middle, least, most] = figures.map((microseconds) => formatNumber(microseconds, 2));
  return (
    `${workload}, ${connections} connections: ${contender} costs ${middle} µs of CPU per request more than ${baseline} ` +
    `(median of ${rounds.length} rounds; ${least} to ${most}).`
  );
}
