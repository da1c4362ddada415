/**
 * Where programs run: what starts them, the places for those that run at once, and the private folder for what they read. Handlers
 * that share a pool share its places.
 *
 * Life: `start`, then runs, `reload` at any time, `stop`; a second `stop` shortens the grace of the first.
 */
import { Places } from '../places/places.js';
import { readRss } from '../process/memory.js';
import type { Log, ProgramUser } from '../types.js';
import { PROTOCOL_VERSION, type ProgramLimits } from '../wire/frames.js';
import { Rendezvous } from '../workers/rendezvous.js';
import type { PoolStatus, WorkerStatus } from '../workers/status.js';
import { Launchers } from './launchers.js';
import { PROGRAM_REFUSALS } from './program-refusals.js';
import { RunWatch } from './run-watch.js';
import { CREDIT_BYTES, type Runner, type RunnerStatus, stopped } from './runner.js';
import { Spawner } from './spawner.js';

export interface ProgramPoolOptions {
  /** The interpreter that runs the launcher, absolute; null has Node start programs (docs/guide/cgi.md, "Without Python"), without limits and user. */
  readonly python: string | null;
  /** How many processes start programs. Default 1. */
  readonly launchers?: number;
  /** All that programs see beside the variables of their request; byte text. */
  readonly env: Readonly<Record<string, string>>;
  /** Programs at once. Default 32. */
  readonly concurrency?: number;
  /** The longest a request may wait for a place: 503; 0 for no limit. Default 30 s. */
  readonly queueTimeoutMs?: number;
  /** Default none. */
  readonly limits?: ProgramLimits;
  /** Default null: as this process. */
  readonly umask?: number | null;
  /** Whom programs run as; this process has to be root when the pool is started. Default null: as this process. */
  readonly user?: ProgramUser | null;
  /** Modules that Python scripts find loaded. Default none. */
  readonly preload?: readonly string[];
  readonly log: Log;
  /** Called if, with a `user`, what starts programs has died, and no other can be started, because this process is not root any more. */
  readonly onLost?: (() => void) | undefined;
}

const NO_LIMITS: ProgramLimits = { cpuSeconds: null, memoryBytes: null, files: null, processes: null };
const CONCURRENCY = 32;
const QUEUE_TIMEOUT_MS = 30_000;
const MAX_WAITING = 1024;
/** From SIGTERM to SIGKILL, for a program that is ended. */
const KILL_GRACE_MS = 2000;
/** Of the standard error of one run. */
const STDERR_BYTES = 65_536;

export class ProgramPool {
  readonly runner: Runner;
  readonly places: Places;
  readonly watch: RunWatch = new RunWatch();
  /** The PATH of programs. */
  readonly searchPath: string;
  /** Its private folder holds the bodies of requests; its socket tells a later xgi whether we still live. */
  readonly #rendezvous: Rendezvous;

  constructor(options: ProgramPoolOptions) {
    const { concurrency = CONCURRENCY, queueTimeoutMs = QUEUE_TIMEOUT_MS, env, log } = options;
    const runner = createRunner(options);
    this.runner = runner;
    this.places = new Places({
      places: concurrency,
      maxWaiting: MAX_WAITING,
      waitTimeoutMs: queueTimeoutMs,
      ...PROGRAM_REFUSALS,
      isOpen: () => runner.isReady,
    });
    runner.onReady = () => this.places.pump();
    this.searchPath = env['PATH'] ?? '';
    this.#rendezvous = new Rendezvous(log);
  }

  /** For spooled bodies; mode 0700. */
  get folder(): string {
    return this.#rendezvous.folder.path;
  }

  /** What has to be done as root, if a user is named; else nothing. @throws BootError */
  async prepare(): Promise<void> {
    await this.runner.start();
  }

  /** @throws BootError `XGI_CGI_LAUNCHER`, ConfigError `XGI_CONFIG_TMPDIR` */
  async start(): Promise<void> {
    try {
      await this.#rendezvous.listen();
      await this.runner.start();
    } catch (error) {
      await this.stop(0);
      throw error;
    }
  }

  /** Interpreters that scripts are forked from are started anew. */
  reload(): void {
    this.runner.reload();
  }

  /** Waits so long for the programs that run, then ends them. */
  async stop(graceMs: number): Promise<void> {
    this.places.close(stopped());
    await this.runner.stop(graceMs);
    this.#rendezvous.close();
  }

  /** The processes that run programs are its workers. */
  status(): PoolStatus {
    const runners = this.runner.status();
    return {
      generation: runners[0]!.generation,
      queue: { waiting: this.places.waiting, oldestMs: Math.round(this.places.oldestMs) },
      bootFailure: null,
      workers: runners.map((runner) => this.#describe(runner)),
      totals: {
        requests: this.places.served,
        timeouts: this.watch.timeouts,
        queueTimeouts: this.places.refused,
        died: 0,
        booted: runners.reduce((sum, { booted }) => sum + booted, 0),
        crashed: runners.reduce((sum, { crashed }) => sum + crashed, 0),
        recycled: 0,
      },
    };
  }

  #describe({ pid, ready, startedAtMs, generation, served }: RunnerStatus): WorkerStatus {
    return {
      pid,
      state: ready ? 'ready' : 'booting',
      generation,
      ageMs: Math.round(performance.now() - startedAtMs),
      requests: served,
      rssBytes: pid === null ? null : readRss(pid),
      running: this.watch.runningBy(pid),
      ahead: 0,
    };
  }
}

function createRunner(options: ProgramPoolOptions): Runner {
  const {
    python,
    launchers = 1,
    env,
    limits = NO_LIMITS,
    umask = null,
    user = null,
    preload = [],
    log,
    onLost,
  } = options;
  if (python === null)
    return new Spawner({ environ: env, killGraceMs: KILL_GRACE_MS, stderrBytes: STDERR_BYTES });
  return new Launchers(launchers, {
    python,
    settings: {
      protocol: PROTOCOL_VERSION,
      environ: env,
      credit: CREDIT_BYTES,
      killGraceMs: KILL_GRACE_MS,
      stderrBytes: STDERR_BYTES,
      limits,
      umask,
      user,
      preload,
    },
    log,
    onLost: user === null ? undefined : (onLost ?? (() => {})),
  });
}
