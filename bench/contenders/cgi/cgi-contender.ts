/** What a contender of the CGI benchmarks is, and what it is asked to serve. */
import type { CgiProgram } from '../../cgi-programs.js';
import type { CgiEnvironment } from '../../environment/cgi-environment.js';
import { ControlGroup } from '../../processes/control-group.js';
import { say } from '../../report/report.js';
import type { Contender, RunningServer, StartRequest } from '../contender.js';
import { serverOfTree, startProgram } from '../contender.js';

export interface CgiSite {
  /** A folder of programs, or one program. */
  readonly path: string;
  /** The URL path below which it is: `/cgi-bin`. */
  readonly mount: string;
  /** What the programs get in their environment beside the meta-variables. */
  readonly environment: Readonly<Record<string, string>>;
}

export interface CgiContender extends Contender<CgiSite, CgiEnvironment> {
  /** False if it would run the program just as another contender does. */
  differsFor(program: CgiProgram): boolean;
}

export type CgiStartRequest = StartRequest<CgiSite, CgiEnvironment>;

export interface CgiServerCommand {
  readonly program: string;
  readonly args: readonly string[];
  readonly port: number;
  readonly cwd: string;
  /** Of all its processes, those that are the server's own and do not run a CGI program. */
  readonly isOwn: (pid: number) => boolean;
  /** True if it writes warnings only, which are then shown when it is stopped. */
  readonly isQuiet: boolean;
}

/**
 * Starts a server in a control group of its own, for its CPU time: of programs that come and go, process accounting
 * tells nothing where their parent ignores SIGCHLD instead of waiting for them, as Apache's mod_cgid does.
 */
export async function startCgiServer(command: CgiServerCommand): Promise<RunningServer> {
  const { program, args, port, cwd, isOwn, isQuiet } = command;
  const controlGroup = ControlGroup.create();
  const root = await startProgram(program, args, { cwd, accepts: { port }, controlGroup });
  return {
    ...serverOfTree(root, port, isOwn),
    cpuMicroseconds: () => controlGroup?.cpuMicroseconds() ?? NaN,
    async stop() {
      const { output } = root;
      await root.stop();
      if (isQuiet && output !== '') say(output);
    },
  };
}
