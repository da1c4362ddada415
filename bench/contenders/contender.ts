/**
 * What a contender is: a server that can serve a program on a port of the loopback interface. What a program is
 * depends on the benchmark: a WSGI application by its name, unless said otherwise.
 */
import type { ControlGroup } from '../processes/control-group.js';
import { cpuMicroseconds, processTree } from '../processes/process-table.js';
import { ServerProcess } from '../processes/server-process.js';
import { untilAccepting, type Address } from '../processes/readiness.js';
import type { Certificate } from '../environment/certificate.js';
import type { Environment } from '../environment/environment.js';

export interface StartRequest<Target = string, On = Environment> {
  /** `module:callable` in the folder of benchmark applications, or what another benchmark has instead. */
  readonly target: Target;
  readonly workers: number;
  readonly port: number;
  /** How long an idle connection is to be kept; servers that have no such setting ignore it. */
  readonly keepAliveSeconds: number;
  /** Serve over TLS, with this. Only some contenders of some benchmarks are ever asked to. */
  readonly certificate?: Certificate | undefined;
  readonly environment: On;
}

export interface Roles {
  /** The processes that own the client's connections. */
  readonly gateway: number[];
  /** The processes that run the application, apart from those; empty if they are the same. */
  readonly workers: number[];
}

export interface RunningServer {
  readonly port: number;
  /** With TLS: its own. */
  readonly certificate?: Certificate | undefined;
  /** Every process of the server that exists now. */
  pids(): number[];
  roles(): Roles;
  /** CPU time so far of all its processes, past ones included; NaN if it cannot be told. */
  cpuMicroseconds(): number;
  stop(): Promise<void>;
}

export interface Contender<Target = string, On = Environment> {
  /** For `--only` and the tables. */
  readonly name: string;
  /** The server's own version, as it says it. Called only if it is available. */
  version(environment: On): string;
  /** How it is set up, for the reader of the tables. */
  settings(workers: number): string;
  /** Why it cannot take part, or undefined if it can. */
  missing(environment: On): string | undefined;
  /** Resolves when the server accepts connections. */
  start(request: StartRequest<Target, On>): Promise<RunningServer>;
}

/** Starts one program and waits until it accepts connections at the address. */
export async function startProgram(
  program: string,
  args: readonly string[],
  place: {
    readonly cwd: string;
    readonly accepts: Address;
    readonly controlGroup?: ControlGroup | undefined;
  },
): Promise<ServerProcess> {
  const { cwd, accepts, controlGroup } = place;
  const server = await ServerProcess.start({ program, args, cwd, controlGroup });
  try {
    await untilAccepting(accepts, server);
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}

/** A server of one process tree. Without a rule, the root is the gateway and its descendants the workers. */
export function serverOfTree(
  root: ServerProcess,
  port: number,
  isGateway: (pid: number) => boolean = (pid) => pid === root.pid,
): RunningServer {
  const pids = (): number[] => processTree([root.pid]).map((entry) => entry.pid);
  return {
    port,
    pids,
    roles() {
      const all = pids();
      return { gateway: all.filter((pid) => isGateway(pid)), workers: all.filter((pid) => !isGateway(pid)) };
    },
    cpuMicroseconds: () => cpuMicroseconds([root.pid]),
    stop: () => root.stop(),
  };
}
