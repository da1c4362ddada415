/** Programs that tests run: output is kept, and nothing outlives the test process. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface RunOptions {
  readonly cwd?: string;
  /** Added to the test's own environment; undefined removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

const live = new Set<ChildProcess>();

process.on('exit', () => {
  for (const child of live) child.kill('SIGKILL');
});

/** A started program. stdout and stderr are collected as they come; `exited` settles after both ended. */
export class Program {
  readonly child: ChildProcess;
  readonly exited: Promise<Exit>;
  #stdout: Buffer[] = [];
  #stderr = '';
  #stopped = false;

  constructor(command: string, args: readonly string[], options: RunOptions = {}) {
    this.child = spawn(command, args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    live.add(this.child);
    this.child.stdout?.on('data', (chunk: Buffer) => this.#stdout.push(chunk));
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text));
    this.exited = once(this.child, 'close').then(
      ([code, signal]: unknown[]) => {
        live.delete(this.child);
        return { code: code as number | null, signal: signal as NodeJS.Signals | null };
      },
      (error: Error) => {
        live.delete(this.child);
        this.#stderr += `${command}: ${error.message}\n`;
        return { code: 127, signal: null };
      },
    );
  }

  get pid(): number {
    if (this.child.pid === undefined) throw new Error(`not started: ${this.#stderr}`);
    return this.child.pid;
  }

  get stdout(): string {
    return this.stdoutBytes.toString('utf8');
  }

  get stdoutBytes(): Buffer {
    return Buffer.concat(this.#stdout);
  }

  get stderr(): string {
    return this.#stderr;
  }

  /** stderr, then stdout: for searching a log that may be on either. */
  get output(): string {
    return this.#stderr + this.stdout;
  }

  /**
   * Resolves with the match once stderr (or stdout) contains the pattern. Rejects if the program ends
   * first or the deadline passes, with what it said until then.
   */
  async waitForOutput(pattern: RegExp, deadlineMs = 20_000): Promise<RegExpExecArray> {
    const found = pattern.exec(this.output);
    if (found) return found;
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const match = pattern.exec(this.output);
        if (match) settle(() => resolve(match));
      };
      const fail = (why: string): void => {
        settle(() => reject(new Error(`${why} before ${pattern} was seen; output:\n${this.output}`)));
      };
      const timer = setTimeout(() => fail(`${deadlineMs} ms passed`), deadlineMs);
      const settle = (then: () => void): void => {
        clearTimeout(timer);
        this.child.stderr?.off('data', look);
        this.child.stdout?.off('data', look);
        then();
      };
      this.child.stderr?.on('data', look);
      this.child.stdout?.on('data', look);
      void this.exited.then((exit) => {
        look();
        fail(`the program ended (${exit.code ?? exit.signal})`);
      });
    });
  }

  /**
   * Sends the signal and waits for the end; after the deadline kills the process and rejects. Rejects too,
   * the first time, if the program had failed by itself before: what it said is why the test failed.
   */
  async stop(signal: NodeJS.Signals = 'SIGTERM', deadlineMs = 15_000): Promise<Exit> {
    const { exitCode } = this.child;
    if (!this.#stopped && exitCode !== null && exitCode !== 0) {
      this.#stopped = true;
      throw new Error(`had ended by itself with exit status ${exitCode}; output:\n${this.output}`);
    }
    this.#stopped = true;
    let overdue = false;
    this.child.kill(signal);
    const timer = setTimeout(() => {
      overdue = true;
      this.child.kill('SIGKILL');
    }, deadlineMs);
    const exit = await this.exited;
    clearTimeout(timer);
    if (overdue) {
      throw new Error(`still running ${deadlineMs} ms after ${signal}; killed; output:\n${this.output}`);
    }
    return exit;
  }
}

/** Runs a program to its end. Does not reject for an exit status: look at `code`. */
export async function run(
  command: string,
  args: readonly string[],
  options?: RunOptions,
): Promise<Exit & { stdout: string; stderr: string; stdoutBytes: Buffer }> {
  const program = new Program(command, args, options);
  const exit = await program.exited;
  return { ...exit, stdout: program.stdout, stderr: program.stderr, stdoutBytes: program.stdoutBytes };
}
