/** The CGI programs of a site, and what xgi holds for them: processes, descriptors, files. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import path from 'node:path';
import { until } from '../poll.js';
import type { Site } from './site.js';

/** What xgi has open and has stored while nothing runs. */
export interface Holdings {
  readonly gatewayDescriptors: number;
  /** Of all launchers. */
  readonly launcherDescriptors: number;
  /** In the private temporary folder. */
  readonly files: number;
}

export class Programs {
  readonly directory: string;
  readonly #site: Site;

  constructor(site: Site) {
    this.#site = site;
    this.directory = path.join(site.directory, 'cgi-bin');
  }

  /** The programs that run, and what they have started: those whose working directory is that of the programs. */
  pids(): number[] {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .filter((pid) => isIn(pid, this.directory) && !isOurs(pid));
  }

  /** The interpreters that warm programs are forked from. */
  async zygotes(): Promise<number[]> {
    return (await this.launchers()).flatMap((launcher) => {
      const children = readFileSync(`/proc/${launcher}/task/${launcher}/children`, 'latin1');
      return children.split(' ').filter(Boolean).map(Number).filter(isOurs);
    });
  }

  /** Those that are ready. */
  async launchers(): Promise<number[]> {
    const { workers } = (await this.#site.status()).gateways[0]!;
    return workers.flatMap(({ state, pid }) => (state === 'ready' && pid !== null ? [pid] : []));
  }

  /** Resolves when no program runs, and none is known to run. */
  async untilIdle(): Promise<void> {
    await until('xgi to be idle', async () => {
      const { gateways } = await this.#site.status();
      return gateways.every(({ workers }) =>
        workers.every(({ state, running }) => state === 'ready' && running.length === 0),
      );
    });
  }

  async holdings(): Promise<Holdings> {
    const launchers = await this.launchers();
    if (launchers.length === 0) throw new Error('there is no launcher');
    const files = readdirSync(path.join(this.#site.directory, 'tmp'), { recursive: true });
    return {
      gatewayDescriptors: descriptorsOf(this.#site.pid),
      launcherDescriptors: launchers.reduce((sum, pid) => sum + descriptorsOf(pid), 0),
      files: files.length,
    };
  }
}

function descriptorsOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** Not of a process that has ended and was not waited for. */
function isIn(pid: number, directory: string): boolean {
  try {
    return readlinkSync(`/proc/${pid}/cwd`) === directory;
  } catch {
    return false;
  }
}

/** Launchers and their zygotes, which go where programs are. A warm program has the command line of the zygote that it was forked from. */
function isOurs(pid: number): boolean {
  try {
    return isLauncher(pid) || (isZygote(pid) && isLauncher(parentOf(pid)));
  } catch {
    return false;
  }
}

function isLauncher(pid: number): boolean {
  return commandOf(pid).endsWith('xgi_cgi\0');
}

/** Or a program that was forked from one. */
function isZygote(pid: number): boolean {
  return commandOf(pid).includes('xgi_cgi/zygote.py');
}

function commandOf(pid: number): string {
  return readFileSync(`/proc/${pid}/cmdline`, 'latin1');
}

function parentOf(pid: number): number {
  return Number(/^PPid:\t(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))![1]);
}
