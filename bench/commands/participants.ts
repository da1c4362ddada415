/** Who takes part, who cannot and why; and starting one of them. */
import type { Contender, RunningServer } from '../contenders/contender.js';
import type { Environment } from '../environment/environment.js';
import { freePort } from '../environment/ports.js';
import type { Options } from '../options.js';
import { say, type Absence } from '../report/report.js';

export interface Participants {
  readonly taking: readonly Contender[];
  readonly absent: readonly Absence[];
}

export function participants(wanted: readonly Contender[], environment: Environment): Participants {
  const taking: Contender[] = [];
  const absent: Absence[] = [];
  for (const contender of new Set(wanted)) {
    const reason = contender.missing(environment);
    if (reason === undefined) taking.push(contender);
    else absent.push({ name: contender.name, reason });
  }
  for (const { name, reason } of absent) say(`without ${name}: ${reason}`);
  return { taking, absent };
}

/** Long enough that no server closes an idle connection while it is looked at. */
const KEEP_ALIVE_SECONDS = 600;

/** Starts a contender, hands the server to the work, and stops it whatever happens. */
export async function withServer<T>(
  contender: Contender,
  { target, options, environment }: { target: string; options: Options; environment: Environment },
  work: (server: RunningServer) => Promise<T>,
): Promise<T> {
  const server = await contender.start({
    target,
    workers: options.workers,
    port: await freePort(),
    keepAliveSeconds: KEEP_ALIVE_SECONDS,
    environment,
  });
  try {
    return await work(server);
  } finally {
    await server.stop();
  }
}
