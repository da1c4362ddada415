/** The program that sends datagrams to the service manager for us, since Node cannot: python/xgi_notify. */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';

export interface NotifyProgramOptions {
  /** The interpreter, 3.8 or later. */
  readonly python: string;
  /** A path, or `@NAME`. */
  readonly address: string;
  readonly env: Readonly<Record<string, string>>;
  /** Called for each message: '' if it was sent, else why it was not. */
  readonly answered: (problem: string) => void;
  /** Called once, if the program ends before it is told to or cannot be started: how. There is no answer any more. */
  readonly lost: (how: string) => void;
}

const PROGRAM = fileURLToPath(new URL('../../python/xgi_notify/__main__.py', import.meta.url));

export class NotifyProgram {
  readonly #process: ChildProcess;
  readonly #exited: Promise<void>;
  #hasEnded = false;
  #isTold = false;

  /** Starts it. It does not keep this process alive, and ends with it. */
  constructor({ python, address, env, answered, lost }: NotifyProgramOptions) {
    // -I -S: nothing of the application's or the user's Python gets in its way, and it starts in half of the time.
    this.#process = spawn(python, ['-I', '-S', PROGRAM, address], {
      env,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#exited = new Promise((resolve) => {
      const end = (how: string): void => {
        if (this.#hasEnded) return;
        this.#hasEnded = true;
        if (!this.#isTold) lost(how);
        resolve();
      };
      this.#process.on('error', (error) => end(error.message));
      this.#process.on('exit', (code, signal) =>
        end(`the program ended by ${signal ?? `itself, with status ${code}`}`),
      );
    });
    this.#process.unref();
    const { stdin, stdout } = this.#process;
    // Absent if there was no descriptor for them. That it cannot be written to is told by its exit.
    stdin?.on('error', () => {});
    (stdin as Socket | null)?.unref();
    (stdout as Socket | null)?.unref();
    readLines(stdout as Socket | null, answered);
  }

  /** Wait for the answer before the next. */
  send(message: Readonly<Record<string, string>>): void {
    this.#process.stdin?.write(`${JSON.stringify(message)}\n`);
  }

  /** Ends its input. Resolves when it has ended too, which is when what it sent has been read; kills it after that time. */
  async end(withinMs: number): Promise<void> {
    this.#isTold = true;
    this.#process.stdin?.end();
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), withinMs);
    await this.#exited;
    clearTimeout(timer);
  }
}

function readLines(stream: Socket | null, onLine: (line: string) => void): void {
  let rest = '';
  stream?.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onLine(line);
  });
}
