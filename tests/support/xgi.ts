/** Starts the built command line as a user would, and stops it again. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { ServiceStatus } from '../../src/service/status.js';
import { cliMain } from './paths.js';
import { pollUntil } from './poll.js';
import { Program, run, type RunOptions } from './process.js';

const BIND_FLAG = /^(-b|--bind(=|$))/;
const LISTENING = /Listening at: (?<at>\S+) \((?<pid>\d+)\)/;

/** A running server. `origin` is `http://127.0.0.1:PORT`, or '' when it listens on a Unix socket only. */
export class XgiServer extends Program {
  /** Each address of the "Listening at" lines: `http://127.0.0.1:40123`, `unix:/tmp/…/s`. */
  get addresses(): string[] {
    return [...this.output.matchAll(new RegExp(LISTENING, 'g'))].map((match) => match.groups?.['at'] ?? '');
  }

  get origin(): string {
    return this.addresses.find((address) => address.startsWith('http')) ?? '';
  }

  /** The path of the Unix socket; '' if there is none. */
  get socketPath(): string {
    return this.addresses.find((address) => address.startsWith('unix:'))?.replace(/^unix:/, '') ?? '';
  }

  get port(): number {
    return Number(new URL(this.origin).port);
  }

  /** The process ids of all workers booted so far, dead ones included. */
  get workerPids(): number[] {
    return [...this.output.matchAll(/Booting worker with pid: (\d+)/g)].map((match) => Number(match[1]));
  }

  /** Of all processes that have served, one after the other (USR2). */
  get mainPids(): number[] {
    return [...this.output.matchAll(/\[(\d+)\] \[INFO\] Starting xgi /g)].map((match) => Number(match[1]));
  }

  /** The absolute URL of a path on this server. */
  url(pathAndQuery: string): string {
    return new URL(pathAndQuery, this.origin).href;
  }
}

export interface XgiOptions extends RunOptions {
  /** Tests run as root in CI, which xgi refuses without a word. Default true. */
  readonly allowRoot?: boolean;
}

/** Starts xgi without waiting for anything: for runs that are expected to fail. */
export function spawnXgi(args: readonly string[], options: XgiOptions = {}): XgiServer {
  // What the developer's shell sets for their own servers must not reach the tests' ones.
  const env = { XGI_CMD_ARGS: undefined, PORT: undefined, ...options.env };
  const allowed = process.getuid?.() === 0 && options.allowRoot !== false ? ['--allow-root'] : [];
  return new XgiServer(process.execPath, [cliMain, ...allowed, ...args], { ...options, env });
}

/**
 * Starts xgi on a free port of 127.0.0.1, unless the arguments name a bind address, and resolves when it
 * listens. The caller stops it.
 */
export async function startXgi(args: readonly string[], options: XgiOptions = {}): Promise<XgiServer> {
  const bind = args.some((argument) => BIND_FLAG.test(argument)) ? [] : ['-b', '127.0.0.1:0'];
  const server = spawnXgi([...args, ...bind], options);
  try {
    await server.waitForOutput(LISTENING);
  } catch (error) {
    server.child.kill('SIGKILL');
    throw error;
  }
  return server;
}

/** Runs a command for a running xgi: `xgi status`. */
export async function runXgi(words: readonly string[], options: XgiOptions = {}): ReturnType<typeof run> {
  return await run(process.execPath, [cliMain, ...words], options);
}

/** What `xgi status --json` prints; undefined if it cannot tell. */
export async function readStatus(
  words: readonly string[],
  options: XgiOptions,
): Promise<ServiceStatus | undefined> {
  const { stdout } = await runXgi(['status', '--json', ...words], options);
  return stdout === '' ? undefined : (JSON.parse(stdout) as ServiceStatus);
}

/** False for a process that has ended and that nobody has waited for, as well. */
export function isRunning(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) [ZX]/s.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}

/** The processes whose working directory that is: xgi, its gateways and its workers, if each test has a directory of its own. */
export function processesIn(directory: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return readlinkSync(`/proc/${pid}/cwd`) === directory && isRunning(pid);
      } catch {
        return false;
      }
    });
}

/** Resolves when nothing is left of what was started there. */
export async function untilNothingIsLeft(directory: string, deadlineMs = 10_000): Promise<void> {
  await pollUntil(() => processesIn(directory).length === 0, {
    what: `the end of the processes in ${directory}: ${processesIn(directory).join(', ')}`,
    deadlineMs,
  });
}

/** For the end of a test: also those that are no children of ours (USR2). */
export function killAllIn(directory: string): void {
  for (const pid of processesIn(directory)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended meanwhile, as those do whose gateway has.
    }
  }
}
