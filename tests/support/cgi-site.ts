/**
 * xgi that serves CGI programs, as a user starts it, in a folder of a test's own:
 *
 *     cgi-bin/   the programs: those of tests/fixtures/cgi, and the test's
 *     notes/     what programs write down; files that let a program go on
 *     outputs/   what `prints.sh` prints
 *     tmp/       the temporary folder of xgi
 */
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { request as httpRequest } from 'node:http';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import type { ServiceStatus } from '../../src/service/status.js';
import type { RunningRequest, WorkerStatus } from '../../src/workers/status.js';
import { repository } from './paths.js';
import { isAlive, pollUntil } from './poll.js';
import { makeTempDir, removeTempDir } from './temp-dir.js';
import { request, WsgiClient, type RawAnswer } from './wsgi-client.js';
import {
  isRunning,
  killAllIn,
  processesIn,
  spawnXgi,
  startXgi,
  type XgiOptions,
  type XgiServer,
} from './xgi.js';

export const cgiFixtures = path.join(repository, 'tests/fixtures/cgi');

/** One that every user may run; the tests' own may lie in the home of root. */
export const SYSTEM_PYTHON = '/usr/bin/python3';

export interface CgiOptions extends XgiOptions {
  /** Below the folder; default: the folder of programs. */
  readonly target?: string;
}

/** What report.py answers. */
export interface ProgramReport {
  readonly pid: number;
  /** The launcher, or the warm interpreter that it was forked from. */
  readonly parent: number;
  readonly group: number;
  readonly argv: readonly string[];
  /** /proc/self/cmdline. */
  readonly command: readonly string[];
  readonly cwd: string;
  readonly umask: number;
  readonly uids: readonly number[];
  readonly gids: readonly number[];
  readonly groups: readonly number[];
  /** What each descriptor is, by its number. */
  readonly fds: Readonly<Record<string, string>>;
  readonly env: Readonly<Record<string, string>>;
  /** /proc/self/environ. */
  readonly bornWith: string;
}

export class CgiSite {
  readonly directory = makeTempDir();
  readonly programs = path.join(this.directory, 'cgi-bin');
  readonly controlSocket = path.join(this.directory, 'control');
  #server: XgiServer | undefined;

  constructor() {
    cpSync(cgiFixtures, this.programs, { recursive: true });
    for (const name of ['notes', 'outputs', 'tmp']) {
      mkdirSync(this.file(name));
      // Not necessarily the user of the test writes there.
      chmodSync(this.file(name), 0o1777);
    }
    chmodSync(this.directory, 0o755);
  }

  file(name: string): string {
    return path.join(this.directory, name);
  }

  write(name: string, content: string | Buffer, mode = 0o644): string {
    const file = this.file(name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, content);
    chmodSync(file, mode);
    return file;
  }

  /** A program beside the fixtures. */
  program(name: string, source: string | Buffer, mode = 0o755): string {
    return this.write(`cgi-bin/${name}`, source, mode);
  }

  /** What `prints.sh/NAME` and `nph-prints.sh/NAME` print from now on; the path for that. */
  output(name: string, bytes: string): string {
    this.write(`outputs/${name}`, Buffer.from(bytes, 'latin1'));
    return `/prints.sh/${name}`;
  }

  /** Lets a program go on that waits for a file of that name. */
  letGo(name: string): void {
    this.write(`notes/${name}`, '');
  }

  /** The lines that programs have written to a file in `notes`. */
  notes(name: string): string[] {
    const file = this.file(`notes/${name}`);
    return existsSync(file) ? readFileSync(file, 'latin1').split('\n').slice(0, -1) : [];
  }

  /** The process ids that programs have noted, when there are so many. */
  async pids(count: number): Promise<number[]> {
    await pollUntil(() => this.notes('pids').length >= count, { what: `${count} processes to run` });
    return this.notes('pids').map(Number);
  }

  #options({ target = 'cgi-bin', ...options }: CgiOptions): [string[], XgiOptions] {
    const env = { TMPDIR: this.file('tmp'), XDG_RUNTIME_DIR: undefined, ...options.env };
    return [
      ['cgi', target, '--control-socket', this.controlSocket],
      { ...options, cwd: this.directory, env },
    ];
  }

  /** For runs that are expected to fail. */
  spawn(flags: readonly string[], options: CgiOptions = {}): XgiServer {
    const [words, rest] = this.#options(options);
    this.#server = spawnXgi([...words, '-b', '127.0.0.1:0', ...flags], rest);
    return this.#server;
  }

  /** Resolves when programs can be run. */
  async start(flags: readonly string[] = [], options: CgiOptions = {}): Promise<this> {
    const [words, rest] = this.#options(options);
    this.#server = await startXgi([...words, ...flags], rest);
    await this.#server.waitForOutput(/\[INFO\] Ready after/);
    return this;
  }

  /** With a PATH on which there is node, and nothing else. */
  async startWithoutPython(flags: readonly string[] = [], options: CgiOptions = {}): Promise<this> {
    const bin = this.file('node-only');
    mkdirSync(bin, { recursive: true });
    if (!existsSync(path.join(bin, 'node'))) symlinkSync(process.execPath, path.join(bin, 'node'));
    await this.start(flags, { ...options, env: { ...options.env, PATH: bin } });
    if (!this.log.includes('XGI_CGI_NO_PYTHON')) throw new Error(`a Python was found:\n${this.log}`);
    return this;
  }

  get server(): XgiServer {
    if (this.#server === undefined) throw new Error('xgi was not started');
    return this.#server;
  }

  get port(): number {
    return this.server.port;
  }

  get log(): string {
    return this.server.stderr;
  }

  /** Waits for a line of the log. */
  async logged(pattern: RegExp): Promise<string> {
    return (await this.server.waitForOutput(pattern))[0];
  }

  /** Sends a request on a connection of its own, and waits for the answer. */
  get(target: string, options: Parameters<typeof request>[2] = {}): Promise<RawAnswer> {
    return request(this.port, target, options);
  }

  async report(target = '/report.py', options: Parameters<typeof request>[2] = {}): Promise<ProgramReport> {
    const answer = await this.get(target, options);
    if (answer.status !== 200)
      throw new Error(`status ${answer.status}: ${answer.body.toString()}\n${this.log}`);
    return JSON.parse(answer.body.toString()) as ProgramReport;
  }

  /** Resolves when every launcher runs Python scripts warm, until when they are cold, and none runs. */
  async untilWarm(): Promise<void> {
    const warm = new Set<number>();
    await pollUntil(
      async () => {
        const launchers = await this.launcherPids();
        // So many at once that each has its share.
        const reports = await Promise.all([...launchers, ...launchers].map(() => this.report()));
        for (const { command, parent } of reports)
          if (command.some((word) => word.endsWith('xgi_cgi/zygote.py'))) warm.add(parent);
        return launchers.every((launcher) => zygotesOf(launcher).some((pid) => warm.has(pid)));
      },
      { what: 'a warm interpreter of each launcher' },
    );
    await this.untilIdle();
  }

  /** Sends a request and keeps the connection. */
  open(target: string, fields: readonly string[] = [], options = {}): WsgiClient {
    const client = new WsgiClient(this.port, options);
    client.send(`GET ${target} HTTP/1.1\r\n${['Host: test.example', ...fields].join('\r\n')}\r\n\r\n`);
    return client;
  }

  /** What `xgi status --json` would print. */
  status(): Promise<ServiceStatus> {
    return new Promise((resolve, reject) => {
      const asking = httpRequest(
        { socketPath: this.controlSocket, path: '/status', agent: false },
        (response) => {
          let text = '';
          response.setEncoding('utf8').on('data', (piece: string) => (text += piece));
          response.on('end', () => resolve(JSON.parse(text) as ServiceStatus));
        },
      );
      asking.on('error', reject).end();
    });
  }

  /** The launchers, of all gateways; without Python, one without a process id. */
  async workers(): Promise<WorkerStatus[]> {
    return (await this.status()).gateways.flatMap(({ workers }) => workers);
  }

  /** The programs that xgi knows to run, of all launchers. */
  async running(): Promise<RunningRequest[]> {
    return (await this.workers()).flatMap(({ running }) => running);
  }

  /** At least one; one for each core, up to four (docs/operate/control.md). */
  async launcherPids(): Promise<number[]> {
    const pids = (await this.workers()).map(({ pid }) => pid);
    if (pids.length === 0 || !pids.every((pid) => pid !== null)) throw new Error('a launcher is missing');
    return pids;
  }

  /** Resolves with those that have taken the places of these, when all are ready. */
  async nextLauncherPids(before: readonly number[]): Promise<number[]> {
    return await pollUntil(
      async () => {
        const workers = await this.workers();
        const haveChanged = workers.every(
          ({ state, pid }) => state === 'ready' && pid !== null && !before.includes(pid),
        );
        return haveChanged && workers.map(({ pid }) => pid!);
      },
      { what: 'other launchers' },
    );
  }

  /** SIGKILL, if no other signal is named, for all launchers. @returns their process ids */
  async signalLaunchers(signal: NodeJS.Signals = 'SIGKILL'): Promise<number[]> {
    const pids = await this.launcherPids();
    for (const pid of pids) process.kill(pid, signal);
    return pids;
  }

  /** The warm interpreters, of all launchers. */
  async zygotePids(): Promise<number[]> {
    return (await this.launcherPids()).flatMap(zygotesOf);
  }

  /** The programs that run, and what they have started: their working directory is that of the programs. */
  programPids(): number[] {
    return processesIn(this.programs).filter((pid) => !isOurs(pid));
  }

  /** Resolves when no program is left. */
  async untilNoProgram(deadlineMs = 10_000): Promise<void> {
    await pollUntil(() => this.programPids().length === 0, {
      what: `the end of all programs in ${this.programs}`,
      deadlineMs,
    });
  }

  /** Resolves when xgi knows of no program that runs, and nothing waits. */
  async untilIdle(deadlineMs = 10_000): Promise<void> {
    await pollUntil(
      async () => {
        const { gateways } = await this.status();
        return gateways.every(
          ({ queue, workers }) => queue.waiting === 0 && workers.every(({ running }) => running.length === 0),
        );
      },
      { what: 'xgi to be idle', deadlineMs },
    );
  }

  /** Bodies that lie in the private folder. */
  spooled(): string[] {
    return readdirSync(this.file('tmp'), { recursive: true })
      .map(String)
      .filter((name) => /\/body-/.test(name));
  }

  async untilNothingSpooled(): Promise<void> {
    await pollUntil(() => this.spooled().length === 0, { what: 'the end of the files of bodies' });
  }

  /** Ends everything, and removes the folder. */
  async destroy(): Promise<void> {
    const server = this.#server;
    if (server !== undefined && server.child.exitCode === null && server.child.signalCode === null) {
      server.child.kill('SIGKILL');
      await server.exited;
    }
    killAllIn(this.programs);
    killAllIn(this.directory);
    removeTempDir(this.directory);
  }
}

/** A site that ends with the test. */
export function makeCgi(): CgiSite {
  const site = new CgiSite();
  onTestFinished(() => site.destroy());
  return site;
}

export function startCgi(flags: readonly string[] = [], options: CgiOptions = {}): Promise<CgiSite> {
  return makeCgi().start(flags, options);
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

/** The warm interpreters of a launcher. */
function zygotesOf(launcher: number): number[] {
  return readFileSync(`/proc/${launcher}/task/${launcher}/children`, 'latin1')
    .split(' ')
    .filter(Boolean)
    .map(Number)
    .filter((pid) => {
      try {
        return isZygote(pid);
      } catch {
        // It has ended meanwhile.
        return false;
      }
    });
}

function parentOf(pid: number): number {
  return Number(/^PPid:\t(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))![1]);
}

/** Resolves when none of these runs any more. */
export async function allGone(pids: readonly number[], deadlineMs = 10_000): Promise<void> {
  await pollUntil(() => pids.every((pid) => !isAlive(pid) || !isRunning(pid)), {
    what: `the end of ${pids.join(', ')}`,
    deadlineMs,
  });
}

/** How many descriptors a process has open. */
export function descriptorsOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** Resident memory. */
export function rssOf(pid: number): number {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
  return Number(kib) * 1024;
}

/** Processor time that a process has used. */
export function cpuMsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
    .replace(/^.*\) /s, '')
    .split(' ');
  // utime and stime, in ticks of 10 ms.
  return (Number(fields[11]) + Number(fields[12])) * 10;
}
