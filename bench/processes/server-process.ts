/**
 * Starts server programs and makes sure that each is gone when the benchmark is: on stop, on a failure and on
 * Ctrl-C. Every server leads a process group of its own, so that the terminal's signals reach only us.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import type { ControlGroup } from './control-group.js';
import { isAlive, processTree, type ProcessEntry } from './process-table.js';

export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Where the program is to run; removed with whatever is left in it when the server is stopped. */
  readonly controlGroup?: ControlGroup | undefined;
}

const STOP_GRACE_MS = 5_000;
const OUTPUT_KEPT_CHARACTERS = 4_000;

const running = new Set<ServerProcess>();

export class ServerProcess {
  readonly pid: number;
  readonly #child: ChildProcess;
  readonly #controlGroup: ControlGroup | undefined;
  readonly #exited: Promise<void>;
  #output = '';

  /** @throws when the program cannot be started at all. */
  static async start(command: Command): Promise<ServerProcess> {
    const { controlGroup } = command;
    const { program, args } = controlGroup?.entering(command.program, command.args) ?? command;
    const child = spawn(program, args, {
      cwd: command.cwd,
      env: { ...inheritedEnvironment(), ...command.env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    return new ServerProcess(child, controlGroup);
  }

  private constructor(child: ChildProcess, controlGroup: ControlGroup | undefined) {
    this.pid = child.pid ?? 0;
    this.#child = child;
    this.#controlGroup = controlGroup;
    this.#exited = new Promise((resolve) => child.once('exit', () => resolve()));
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#output = (this.#output + text).slice(-OUTPUT_KEPT_CHARACTERS);
      });
    }
    running.add(this);
  }

  get hasExited(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** The last that the program wrote to stdout and stderr. */
  get output(): string {
    return this.#output.trim();
  }

  /** SIGTERM, a grace period, then SIGKILL for whatever of the tree is still there. */
  async stop(): Promise<void> {
    const tree = processTree([this.pid]);
    if (!this.hasExited) {
      this.#child.kill('SIGTERM');
      await withinMs(STOP_GRACE_MS, this.#exited);
    }
    killAll(tree);
    this.kill();
    await this.#exited;
    running.delete(this);
  }

  /** Without waiting, for the moment at which our own process ends. */
  kill(): void {
    killAll(processTree([this.pid]));
    this.#controlGroup?.remove();
  }
}

/** Ends every server that was started and not stopped. Synchronous: it runs in the exit event. */
export function killAllServers(): void {
  for (const server of running) server.kill();
  running.clear();
}

/** Without what would change a server's or an interpreter's behaviour behind our back. */
function inheritedEnvironment(): NodeJS.ProcessEnv {
  const kept = ['PATH', 'HOME', 'LANG', 'TMPDIR', 'USER'];
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => kept.includes(name)));
}

function killAll(entries: readonly ProcessEntry[]): void {
  for (const entry of entries) {
    try {
      if (isAlive(entry)) process.kill(entry.pid, 'SIGKILL');
    } catch {
      // Gone in between.
    }
  }
}

async function withinMs(limitMs: number, promise: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, limitMs);
  });
  await Promise.race([promise, limit]);
  clearTimeout(timer);
}
