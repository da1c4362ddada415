/** A whole server in the test's own process: HTTP engine, WSGI handler, supervisor, and real Python workers. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { DEFAULT_DEADLINES, DEFAULT_LIMITS } from '../../src/config/defaults.js';
import { createWsgiHandler } from '../../src/handlers/wsgi.js';
import { parseTrustedProxies } from '../../src/http/forwarded.js';
import { Server } from '../../src/server/server.js';
import type { HttpDeadlines, HttpLimits, Log } from '../../src/types.js';
import type { SupervisorOptions } from '../../src/workers/supervisor.js';
import { Supervisor } from '../../src/workers/supervisor.js';
import { repository } from './paths.js';
import { isAlive, pollUntil } from './poll.js';
import { makeTempDir, removeTempDir } from './temp-dir.js';
import { request, type RawAnswer } from './wsgi-client.js';

export const wsgiFixtures = path.join(repository, 'tests/fixtures/wsgi');

/** The interpreter itself: what the PATH names may be a wrapper that starts it. */
export const python = execFileSync('python3', ['-c', 'import sys; print(sys.executable)'], {
  encoding: 'utf8',
}).trim();

export interface LogRecord {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Keeps what is logged. */
export class MemoryLog implements Log {
  readonly records: LogRecord[] = [];
  /** What workers wrote to their standard error. */
  readonly lines: string[] = [];

  debug(message: string, fields = {}): void {
    this.records.push({ level: 'debug', message, fields });
  }
  info(message: string, fields = {}): void {
    this.records.push({ level: 'info', message, fields });
  }
  warn(message: string, fields = {}): void {
    this.records.push({ level: 'warn', message, fields });
  }
  error(message: string, fields = {}): void {
    this.records.push({ level: 'error', message, fields });
  }

  matching(pattern: RegExp): LogRecord[] {
    return this.records.filter((record) => pattern.test(record.message));
  }

  /** Waits for a record whose message matches. */
  waitFor(pattern: RegExp, deadlineMs?: number): Promise<LogRecord> {
    return pollUntil(() => this.matching(pattern)[0], {
      what: `a log record that matches ${pattern}`,
      ...(deadlineMs === undefined ? {} : { deadlineMs }),
    });
  }

  get text(): string {
    return this.records.map(({ level, message }) => `${level}: ${message}`).join('\n');
  }
}

export interface SiteOptions {
  /** `module:callable`; modules are those of tests/fixtures/wsgi, and the site's own. */
  readonly target: string;
  /** Python source by name of the file, written to the site's directory: code that a test changes. */
  readonly modules?: Readonly<Record<string, string>>;
  readonly workers?: number;
  readonly threads?: number;
  readonly timeoutMs?: number;
  /** Default: `timeoutMs`. */
  readonly queueTimeoutMs?: number;
  /** Whatever else the supervisor takes. */
  readonly supervisor?: Partial<SupervisorOptions>;
  readonly env?: Readonly<Record<string, string>>;
  /** Default: {@link python}. */
  readonly python?: string;
  readonly deadlines?: Partial<HttpDeadlines>;
  readonly limits?: Partial<HttpLimits>;
  readonly trustedProxies?: string;
  readonly sendfileRoots?: readonly string[];
}

export interface Site {
  readonly origin: string;
  readonly port: number;
  readonly log: MemoryLog;
  readonly supervisor: Supervisor;
  readonly server: Server;
  /** Private, for what the application writes; it finds it in TEST_DIR. */
  readonly directory: string;
  url(pathAndQuery: string): string;
  /** Makes a file in the directory. */
  write(name: string, text?: string): void;
  /** The lines that the application has written to a file there; none if it does not exist. */
  lines(name: string): string[];
  stop(graceMs?: number): Promise<void>;
}

/** Everything but started workers: call `supervisor.start`. */
export async function listenOnly(options: SiteOptions): Promise<Site> {
  const directory = makeTempDir();
  for (const [name, source] of Object.entries(options.modules ?? {}))
    writeFileSync(path.join(directory, name), source);
  const log = new MemoryLog();
  const supervisor = new Supervisor({
    python: options.python ?? python,
    target: options.target,
    workers: { min: options.workers ?? 1, max: options.workers ?? 1 },
    threads: options.threads ?? 1,
    searchPath: options.modules === undefined ? [wsgiFixtures] : [directory, wsgiFixtures],
    cwd: directory,
    env: { ...process.env, TEST_DIR: directory, PYTHONDONTWRITEBYTECODE: '1', ...options.env },
    timeoutMs: options.timeoutMs ?? 30_000,
    queueTimeoutMs: options.queueTimeoutMs ?? options.timeoutMs ?? 30_000,
    gracefulTimeoutMs: 30_000,
    environ: { SERVER_SOFTWARE: 'xgi/test' },
    sendfile: (options.sendfileRoots ?? []).length > 0,
    log,
    passOn: (lines) => log.lines.push(...lines.trimEnd().split('\n')),
    ...options.supervisor,
  });
  const server = new Server({
    handler: createWsgiHandler(supervisor, { sendfileRoots: options.sendfileRoots ?? [] }),
    limits: { ...DEFAULT_LIMITS, ...options.limits },
    deadlines: { ...DEFAULT_DEADLINES, ...options.deadlines },
    trustedProxies: parseTrustedProxies(options.trustedProxies ?? ''),
    log,
  });
  const { url: origin } = await server.listen({ kind: 'tcp', host: '127.0.0.1', port: 0 });
  return {
    origin,
    port: Number(new URL(origin).port),
    log,
    supervisor,
    server,
    directory,
    url: (pathAndQuery) => origin + pathAndQuery,
    write: (name, text = '') => writeFileSync(path.join(directory, name), text),
    lines(name) {
      const file = path.join(directory, name);
      return existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n') : [];
    },
    async stop(graceMs = 2000) {
      await server.shutdown(graceMs);
      await supervisor.stop(graceMs);
      removeTempDir(directory);
    },
  };
}

/** Resolves when the application is loaded in all workers. The caller stops it. */
export async function startSite(options: SiteOptions): Promise<Site> {
  const site = await listenOnly(options);
  try {
    await site.supervisor.start();
  } catch (error) {
    await site.stop(0);
    throw error;
  }
  return site;
}

/** What tests/fixtures/wsgi/steered.py answers. */
export interface Steered {
  readonly version: string;
  readonly pid: number;
  /** Requests that this process has answered. */
  readonly count: number;
  readonly multiprocess: boolean;
}

/** @throws if the answer is not that of steered.py */
export function parseSteered({ status, body }: RawAnswer): Steered {
  if (status !== 200) throw new Error(`the answer has the status ${status}: ${body.toString()}`);
  return JSON.parse(body.toString()) as Steered;
}

export async function ask(site: Site, target = '/'): Promise<Steered> {
  return parseSteered(await request(site.port, target));
}

/** So many at a time, so that no worker is left out. */
export async function askMany(site: Site, count = 8): Promise<Steered[]> {
  return await Promise.all(Array.from({ length: count }, () => ask(site)));
}

/**
 * Sends a request to steered.py that waits until the test makes a file of that name. Resolves when it runs.
 *
 * @param verb `hold`, or `stream`, whose answer has begun by then
 * @returns its answer, later
 */
export async function hold(site: Site, name: string, verb = 'hold'): Promise<() => Promise<RawAnswer>> {
  const answer = request(site.port, `/${verb}/${name}`);
  await pollUntil(() => site.lines('notes').includes(name), { what: `the request ${name} to run` });
  return () => answer;
}

/** Bodies that lie in the site's private folder. */
export function spooledFiles(site: Site): string[] {
  return readdirSync(site.supervisor.folder).filter((name) => name.startsWith('body-'));
}

/** All processes that the site has started and that run: workers, zygotes, and what the application has left behind. */
export function processesOf(site: Site): number[] {
  const pids = readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name));
  return pids.filter((pid) => environOf(pid).includes(`TEST_DIR=${site.directory}`)).map(Number);
}

/** Of a zombie, as of one that has ended meanwhile, there is none. */
function environOf(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
  } catch {
    return [];
  }
}

/** Waits until none of these processes is left. */
export async function allEnded(pids: readonly number[], deadlineMs = 10_000): Promise<void> {
  await pollUntil(() => pids.every((pid) => !isAlive(pid)), {
    what: `the end of ${pids.join(', ')}`,
    deadlineMs,
  });
}
