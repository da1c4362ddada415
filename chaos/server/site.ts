/**
 * A real xgi, as a user starts it, that serves a copy of the suite's application in a folder of its own. All its processes are
 * found by a mark in their environment, and none outlives the site, whatever has become of the others.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { appsDirectory, builtProgram } from '../directories.js';
import { until } from '../poll.js';
import { askScale, askStatus, type Reload, type Status } from './control.js';
import { killMarked, MARK_VARIABLE, markedProcesses, type MarkedProcess } from './marked-processes.js';

export interface SiteOptions {
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly kind?: 'wsgi' | 'cgi';
  /** Of the suite's own application if not given. */
  readonly target?: string;
  /** Where the application is; a copy of the suite's own if not given. */
  readonly directory?: string;
  readonly python?: string;
  /** Not to wait until the workers have booted. */
  readonly early?: boolean;
  /** Whether the application notes what it begins and ends, see `runs`. */
  readonly marks?: boolean;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

const LISTENING = /Listening at: http:\/\/127\.0\.0\.1:(\d+) \((\d+)\)/;
const START_LIMIT_MS = 30_000;
const STOP_LIMIT_MS = 20_000;
const MAX_LOG_CHARACTERS = 64 * 2 ** 20;

/** Not inherited: what the developer's shell sets for their own servers. */
const UNWANTED = [
  'XGI_CMD_ARGS',
  'PORT',
  'VIRTUAL_ENV',
  'PYTHONPATH',
  'NOTIFY_SOCKET',
  'LISTEN_FDS',
  'LISTEN_PID',
];

const sites = new Set<Site>();
let program = builtProgram;

/** Takes another build of xgi than the one of this clone. */
export function useProgram(file: string): void {
  program = path.resolve(file);
}

/** Synchronous: it runs in the exit event. */
export function destroyAllSites(): void {
  for (const site of sites) site.destroy();
}

export class Site {
  /** Of this site alone; the application is in it. */
  readonly directory: string = mkdtempSync(path.join(realpathSync(tmpdir()), 'xgi-chaos-'));
  readonly controlSocket: string = path.join(this.directory, 'control');
  readonly #marksDirectory: string = path.join(this.directory, 'marks');
  readonly #mark: string = randomUUID();
  readonly #child: ChildProcess;
  readonly exited: Promise<Exit>;
  #log = '';

  /** Resolves when xgi listens, and unless `early` when all workers have booted. @throws with its log if it does not */
  static async start(options: SiteOptions = {}): Promise<Site> {
    const site = new Site(options);
    try {
      await site.#until('to listen', () => site.port > 0);
      if (options.early !== true)
        await site.#until('to be ready', async () => (await site.status()).state === 'ready');
    } catch (error) {
      site.destroy();
      throw error;
    }
    return site;
  }

  private constructor(options: SiteOptions) {
    cpSync(appsDirectory, this.directory, { recursive: true });
    const temporary = path.join(this.directory, 'tmp');
    for (const folder of [this.#marksDirectory, temporary]) mkdirSync(folder);
    const args = [
      ...[program, options.kind ?? 'wsgi', options.target ?? 'app:app'],
      ...['--chdir', options.directory ?? this.directory],
      ...['-b', '127.0.0.1:0', '--allow-root', '--control-socket', this.controlSocket],
      ...['--python', options.python ?? 'python3'],
      ...(options.flags ?? []),
    ];
    this.#child = spawn(process.execPath, args, {
      cwd: this.directory,
      env: {
        ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !UNWANTED.includes(name))),
        // A second change of a file within one second would be taken for none.
        PYTHONDONTWRITEBYTECODE: '1',
        TMPDIR: temporary,
        ...(options.marks ? { CHAOS_MARKS: this.#marksDirectory } : {}),
        ...options.env,
        [MARK_VARIABLE]: this.#mark,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
      // In a group of its own: the terminal's Ctrl-C reaches only us.
      detached: true,
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        if (this.#log.length < MAX_LOG_CHARACTERS) this.#log += text;
      });
    }
    this.exited = new Promise((resolve) => {
      this.#child.once('error', (error) => {
        this.#log += error.message;
        resolve({ code: 127, signal: null });
      });
      this.#child.once('exit', (code, signal) => resolve({ code, signal }));
    });
    sites.add(this);
  }

  async #until(what: string, probe: () => boolean | Promise<boolean>): Promise<void> {
    const ended = (): boolean => this.hasExited;
    try {
      await until(`xgi ${what}`, async () => ended() || (await probe()), { limitMs: START_LIMIT_MS });
    } catch (error) {
      throw new Error(`${(error as Error).message}\n${this.#log}`, { cause: error });
    }
    if (ended()) throw new Error(`xgi ended while it was starting:\n${this.#log}`);
  }

  get port(): number {
    return Number(LISTENING.exec(this.#log)?.[1] ?? 0);
  }

  /** The process that was started; after a hand-over another one serves. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get hasExited(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** All that xgi and the application have written. */
  get log(): string {
    return this.#log;
  }

  matches(pattern: RegExp): RegExpExecArray[] {
    return [...this.#log.matchAll(new RegExp(pattern, 'g'))];
  }

  signal(signal: NodeJS.Signals, pid = this.pid): void {
    process.kill(pid, signal);
  }

  /** @throws if the control socket does not answer */
  status(): Promise<Status> {
    return askStatus(this.controlSocket);
  }

  /** Asks for a reload by SIGHUP, and waits until it is over; what has become of it. */
  async reload(): Promise<Reload> {
    const { pid, lastReload: before } = await this.status();
    this.signal('SIGHUP', pid);
    return until('the reload', async () => {
      const { state, lastReload } = await this.status();
      return state !== 'reloading' && lastReload !== null && lastReload.at !== before?.at && lastReload;
    });
  }

  /** @param workers `8`, or `1..8` */
  scale(workers: string): Promise<void> {
    return askScale(this.controlSocket, workers);
  }

  /** Resolves when so many workers are ready and there are no others. */
  async untilWorkers(count: number): Promise<void> {
    await until(`${count} workers`, async () => {
      const workers = (await this.status()).gateways.flatMap((gateway) => gateway.workers);
      return workers.length === count && workers.every(({ state }) => state === 'ready');
    });
  }

  processes(): MarkedProcess[] {
    return markedProcesses(this.#mark);
  }

  /** The processes that run the application, or will, or are what others are forked from. */
  pythonPids(): number[] {
    return this.processes()
      .filter(({ program: name }) => name.startsWith('python'))
      .map(({ pid }) => pid);
  }

  nodePids(): number[] {
    return this.processes()
      .filter(({ program: name }) => name === 'node')
      .map(({ pid }) => pid);
  }

  /** The living processes that have begun a request. */
  servingPids(): number[] {
    const noted = new Set(readdirSync(this.#marksDirectory).map(Number));
    return this.pythonPids().filter((pid) => noted.has(pid));
  }

  /** What each process has begun and ended, as far as the application was told to note it; by process id. */
  runs(): Map<number, string[]> {
    const files = readdirSync(this.#marksDirectory);
    return new Map(
      files.map((name) => {
        const text = readFileSync(path.join(this.#marksDirectory, name), 'latin1');
        return [Number(name), text.split('\n').slice(0, -1)];
      }),
    );
  }

  /** Changes the code: `version` of all answers of processes that load it from now on. */
  writeVersion(version: string): void {
    this.write('version.py', `VERSION = "${version}"\n`);
  }

  write(name: string, text: string): void {
    writeFileSync(path.join(this.directory, name), text);
  }

  /** TERM; resolves when no process of the site is left. @throws if one is still there after a while */
  async stop(): Promise<void> {
    const { pid } = await this.status().catch(() => this);
    if (markedProcesses(this.#mark).some((process) => process.pid === pid)) this.signal('SIGTERM', pid);
    await until('xgi to end on SIGTERM', () => this.processes().length === 0, { limitMs: STOP_LIMIT_MS });
  }

  /** Ends everything at once and removes the folder. */
  destroy(): void {
    killMarked(this.#mark);
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 3 });
    sites.delete(this);
  }
}
