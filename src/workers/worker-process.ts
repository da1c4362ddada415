/** The process of a worker: how it is started, what it is told on its standard input, and how it ended. */
import { spawn, type ChildProcess } from 'node:child_process';

export interface WorkerProgram {
  /** The interpreter. */
  readonly python: string;
  /** The folder of the Python side, run by path. */
  readonly program: string;
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
}

/** Where the worker connects to, and what it presents there (docs/protocol.md, "Two channels per worker"). */
export interface Invitation {
  readonly socket: string;
  readonly token: string;
}

export class WorkerProcess {
  readonly #process: ChildProcess;
  #exit: string | undefined;

  /** @param exited is called once, after this constructor, with how the process ended or why it could not be started */
  constructor(program: WorkerProgram, invitation: Invitation, exited: (status: string) => void) {
    const ended = (status: string): void => {
      if (this.#exit !== undefined) return;
      this.#exit = status;
      exited(status);
    };
    this.#process = spawn(program.python, [program.program], {
      cwd: program.cwd,
      env: program.env,
      stdio: ['pipe', 'inherit', 'inherit'],
    });
    this.#process.on('error', (error) => ended(`could not be started: ${error.message}`));
    this.#process.on('exit', (code, signal) =>
      ended(signal === null ? `status ${code}` : `signal ${signal}`),
    );
    // A process that dies before it has read its line is reported by its exit; one that could not be made has no stdin.
    this.#process.stdin?.on('error', () => {});
    this.#process.stdin?.end(`${JSON.stringify(invitation)}\n`);
  }

  /** undefined if the process could not be started. */
  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** How the process ended; undefined while it runs. */
  get exit(): string | undefined {
    return this.#exit;
  }

  kill(signal: NodeJS.Signals): void {
    if (this.#exit === undefined) this.#process.kill(signal);
  }
}
