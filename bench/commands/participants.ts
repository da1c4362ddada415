/** Who takes part, who cannot and why; and starting one of them. */
import type { Contender, RunningServer } from '../contenders/contender.js';
import type { Certificate } from '../environment/certificate.js';
import { freePort } from '../environment/ports.js';
import { say, type Absence } from '../report/report.js';

/** As far as it matters here: of any benchmark. */
type Candidate<On> = Pick<Contender<never, On>, 'name' | 'missing'>;

export interface Participants<C> {
  readonly taking: readonly C[];
  readonly absent: readonly Absence[];
}

export function participants<On, C extends Candidate<On>>(
  wanted: readonly C[],
  environment: On,
): Participants<C> {
  const taking: C[] = [];
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

export interface ServerSetup<Target, On> {
  readonly target: Target;
  readonly options: { readonly workers: number };
  /** For TLS. */
  readonly certificate?: Certificate | undefined;
  readonly environment: On;
}

/** Starts a contender, hands the server to the work, and stops it whatever happens. */
export async function withServer<T, Target, On>(
  contender: Pick<Contender<Target, On>, 'start'>,
  { target, options, certificate, environment }: ServerSetup<Target, On>,
  work: (server: RunningServer) => Promise<T>,
): Promise<T> {
  const server = await contender.start({
    target,
    workers: options.workers,
    port: await freePort(),
    keepAliveSeconds: KEEP_ALIVE_SECONDS,
    certificate,
    environment,
  });
  try {
    return await work({ ...server, certificate });
  } finally {
    await server.stop();
  }
}
