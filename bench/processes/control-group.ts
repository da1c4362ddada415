/**
 * A control group of Linux (version 2) for one server and everything that it starts: however short-lived, whoever
 * waits for it, and whatever process group it moves to.
 */
import { mkdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';

const REMOVE_ATTEMPTS = 200;
const ATTEMPT_PAUSE_MS = 10;

let created = 0;

export class ControlGroup {
  readonly #directory: string;

  /** Below our own group; undefined where that is not allowed (it takes root) or there are no such groups. */
  static create(): ControlGroup | undefined {
    const own = ownGroupDirectory();
    if (own === undefined) return undefined;
    created += 1;
    const directory = join(own, `xgi-bench-${process.pid}-${created}`);
    try {
      mkdirSync(directory);
      return new ControlGroup(directory);
    } catch {
      return undefined;
    }
  }

  private constructor(directory: string) {
    this.#directory = directory;
  }

  /** A command that enters the group and then becomes the program, so that its process id is the program's. */
  entering(program: string, args: readonly string[]): { program: string; args: string[] } {
    const enter = 'echo $$ > "$0/cgroup.procs" && exec "$@"';
    return { program: '/bin/sh', args: ['-c', enter, this.#directory, program, ...args] };
  }

  /** Of all that ever was in the group. */
  cpuMicroseconds(): number {
    const match = /^usage_usec (\d+)$/m.exec(readFileSync(join(this.#directory, 'cpu.stat'), 'latin1'));
    return Number(match?.[1] ?? NaN);
  }

  /** Kills what is left in it, and removes it. Synchronous, for the exit event. */
  remove(): void {
    for (let attempt = 0; attempt < REMOVE_ATTEMPTS; attempt += 1) {
      try {
        for (const pid of this.#pids()) process.kill(pid, 'SIGKILL');
        rmdirSync(this.#directory);
        return;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
        // Processes that have been killed take a moment to leave it.
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ATTEMPT_PAUSE_MS);
      }
    }
  }

  #pids(): number[] {
    const text = readFileSync(join(this.#directory, 'cgroup.procs'), 'latin1');
    return text.split('\n').map(Number).filter(Boolean);
  }
}

function ownGroupDirectory(): string | undefined {
  try {
    const mounts = readFileSync('/proc/self/mounts', 'latin1');
    const mountPoint = /^\S+ (\S+) cgroup2 /m.exec(mounts)?.[1];
    const path = /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'latin1'))?.[1];
    return mountPoint === undefined || path === undefined ? undefined : join(mountPoint, path);
  } catch {
    return undefined;
  }
}
