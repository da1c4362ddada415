/** The process of a worker: how it is started, what it is told on its standard input, and how it ended. */
import { spawn, type ChildProcess } from 'node:child_process';

export interface WorkerProgram {
  /** The interpreter. */
  readonly python: string;
  /** The folder of the Python side, run by path. */
  readonly program: string;
  readonly cwd: string;
  /** The whole environment. */
  readonly env: NodeJS.ProcessEnv;
}

/** Where the worker connects to, what it presents there, and where its standard error goes (docs/protocol.md). */
export interface Invitation {
  readonly socket: string;
  readonly token: string;
  /** The FIFO that becomes its standard error. */
  readonly stderr: string;
  readonly role: 'worker' | 'zygote';
}

/** Who hears of the process. Nothing is called before `launch` has returned. */
export interface ProcessOwner {
  /** It runs, and its id is known. */
  started(): void;
  /** Called once, with how it ended or why it could not be started. */
  exited(status: string): void;
}

/** A process that was started, or is being started. */
export interface WorkerProcess {
  /** undefined before `started`, and if the process could not be started. */
  readonly pid: number | undefined;
  /** How the process ended; undefined while it runs. */
  readonly exit: string | undefined;
  /** Signals it, as soon as it can be signalled; nothing once it has ended. */
  kill(signal: NodeJS.Signals): void;
}

/** Sends a signal to a process that is no child of ours; nothing if it has ended. */
export type SendSignal = (pid: number, signal: NodeJS.Signals) => void;

/** Starts processes that become workers. */
export interface Launcher {
  /** @throws the system's error if that cannot even be tried */
  launch(invitation: Invitation, owner: ProcessOwner): WorkerProcess;
  /** To a process that one of those has forked, with the rights of their user. */
  readonly signal: SendSignal;
}

/** Starts an interpreter for each worker. */
export class InterpreterLauncher implements Launcher {
  readonly #program: WorkerProgram;

  constructor(program: WorkerProgram) {
    this.#program = program;
  }

  launch(invitation: Invitation, owner: ProcessOwner): WorkerProcess {
    return new InterpreterProcess(this.#program, invitation, owner);
  }

  readonly signal: SendSignal = (pid, signal) => {
    try {
      process.kill(pid, signal);
    } catch {
      // ESRCH: its end is about to be told.
    }
  };
}

class InterpreterProcess implements WorkerProcess {
  readonly #process: ChildProcess;
  #exit: string | undefined;

  constructor(program: WorkerProgram, invitation: Invitation, owner: ProcessOwner) {
    const ended = (status: string): void => {
      if (this.#exit !== undefined) return;
      this.#exit = status;
      owner.exited(status);
    };
    this.#process = spawn(program.python, [program.program], {
      cwd: program.cwd,
      env: program.env,
      stdio: ['pipe', 'inherit', 'inherit'],
    });
    this.#process.on('spawn', () => owner.started());
    this.#process.on('error', (error) => ended(`could not be started: ${error.message}`));
    this.#process.on('exit', (code, signal) =>
      ended(signal === null ? `status ${code}` : `signal ${signal}`),
    );
    // A process that dies before it has read its line is reported by its exit; one that could not be made has no stdin.
    this.#process.stdin?.on('error', () => {});
    this.#process.stdin?.end(`${JSON.stringify(invitation)}\n`);
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  get exit(): string | undefined {
    return this.#exit;
  }

  kill(signal: NodeJS.Signals): void {
    if (this.#exit === undefined) this.#process.kill(signal);
  }
}
