/**
 * Keeps the workers of one application running.
 *
 * Life:
 *  1. `start` opens the meeting place and boots all workers; if the application cannot be loaded, everything is ended again.
 *  2. A worker that ends is replaced: at once the first time, with growing pauses while its successors keep failing.
 *  3. A request past its deadline is answered with 504 and its worker interrupted, in the end killed (worker.ts).
 *  4. `stop` drains the workers and ends them after the grace period.
 */
import { fileURLToPath } from 'node:url';
import { BootError, GatewayError } from '../errors.js';
import type { Log } from '../types.js';
import { PROTOCOL_VERSION, type ReadyInfo, type WorkerFailure } from '../wire/frames.js';
import { Backoff } from './backoff.js';
import { bootError } from './boot-error.js';
import { Dispatcher } from './dispatcher.js';
import type { Job } from './job.js';
import { Rendezvous } from './rendezvous.js';
import { Worker, type WorkerOwner } from './worker.js';

export interface SupervisorOptions {
  /** The interpreter, CPython 3.8 or later. */
  readonly python: string;
  /** `module:callable` and its other forms, see docs/protocol.md. */
  readonly target: string;
  readonly workers: number;
  readonly threads: number;
  /** Put at the front of `sys.path`. */
  readonly searchPath: readonly string[];
  readonly cwd: string;
  /** Added to the gateway's own environment. */
  readonly env: Readonly<Record<string, string>>;
  /** How long a request may run without progress; 0 for ever. */
  readonly timeoutMs: number;
  /** The base environ: what is the same for every request. */
  readonly environ: Readonly<Record<string, string>>;
  readonly log: Log;
}

/** The body bytes of one answer that may be on their way to the client. */
const CREDIT_BYTES = 262_144;
const CHECK_MS = 100;
/** After each such time of loading the application, a worker is reported. */
const SLOW_BOOT_MS = 30_000;
/** Workers of an idle application leave within a few milliseconds; this is for those that do not. */
const KILL_GRACE_MS = 1000;

const PROGRAM = fileURLToPath(new URL('../../python/xgi_worker', import.meta.url));

export class Supervisor implements WorkerOwner {
  readonly #options: SupervisorOptions;
  readonly #dispatcher = new Dispatcher();
  readonly #workers = new Set<Worker>();
  readonly #backoff = new Backoff();
  readonly #restarts = new Set<NodeJS.Timeout>();
  readonly #rendezvous: Rendezvous;
  #check: NodeJS.Timeout | undefined;
  #stopped: Promise<void> | undefined;
  #booting: { missing: number; resolve: () => void; reject: (error: BootError) => void } | undefined;
  #allGone: (() => void) | undefined;
  /** Workers whose place has been taken by others before their end. */
  readonly #retired = new WeakSet<Worker>();
  /** When a worker was last reported for its slow start. */
  readonly #slowBoots = new WeakMap<Worker, number>();
  /** Why the last worker that started could not load the application. */
  #bootFailure: BootError | undefined;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#rendezvous = new Rendezvous(options.log);
  }

  /** A private folder for spooled bodies, made when first asked for; `stop` removes it. */
  get folder(): string {
    return this.#rendezvous.folder;
  }

  /** Process ids of the workers that are running. */
  get pids(): number[] {
    return [...this.#workers].flatMap((worker) => worker.pid ?? []);
  }

  /**
   * Boots all workers. Requests may be submitted before; they wait.
   *
   * @throws BootError if the application cannot be loaded; nothing is left running then
   */
  async start(): Promise<void> {
    try {
      await this.#rendezvous.listen();
      if (this.#stopping) return;
      this.#check = setInterval(() => this.#checkDeadlines(), CHECK_MS);
      await new Promise<void>((resolve, reject) => {
        this.#booting = { missing: this.#options.workers, resolve, reject };
        for (let i = 0; i < this.#options.workers; i++) this.#spawn();
      });
    } catch (error) {
      await this.stop(0);
      throw error;
    } finally {
      this.#booting = undefined;
    }
  }

  /**
   * Lets the workers answer what they have and ends them; those that are not gone after `graceMs` are killed. With 0 they are
   * killed at once, also those that an earlier call is still waiting for.
   */
  stop(graceMs: number): Promise<void> {
    this.#stopped ??= this.#stop(graceMs);
    if (graceMs === 0) for (const worker of this.#workers) worker.kill('SIGKILL');
    return this.#stopped;
  }

  get #stopping(): boolean {
    return this.#stopped !== undefined;
  }

  async #stop(graceMs: number): Promise<void> {
    clearInterval(this.#check);
    for (const restart of this.#restarts) clearTimeout(restart);
    this.#booting?.resolve();
    for (const job of this.#dispatcher.clear()) job.fail(stopped());
    await this.#ended(graceMs, (worker) => worker.drain());
    await this.#ended(KILL_GRACE_MS, (worker) => worker.kill('SIGKILL'));
    this.#rendezvous.close();
  }

  submit(job: Job): void {
    if (this.#stopping) job.fail(stopped());
    else this.#dispatcher.submit(job);
  }

  /** The client has gone: the job is taken out of the queue, or its worker is told. */
  abort(job: Job): void {
    if (this.#dispatcher.cancel(job)) return;
    for (const worker of this.#workers) if (worker.abort(job)) return;
  }

  #spawn(): void {
    const options = this.#options;
    const worker = new Worker(
      {
        python: options.python,
        program: PROGRAM,
        cwd: options.cwd,
        env: { ...process.env, ...options.env },
        settings: {
          protocol: PROTOCOL_VERSION,
          target: options.target,
          searchPath: options.searchPath,
          threads: options.threads,
          environ: { SCRIPT_NAME: '', ...options.environ },
          multiprocess: options.workers > 1,
          credit: CREDIT_BYTES,
        },
        rendezvous: this.#rendezvous,
        log: options.log,
      },
      this,
    );
    this.#workers.add(worker);
    // One that could not be made tells so by its end.
    if (worker.pid !== undefined) options.log.info(`Booting worker with pid: ${worker.pid}`);
  }

  // --- what workers tell ---

  ready(worker: Worker, info: ReadyInfo): void {
    if (this.#stopping) {
      worker.drain();
      return;
    }
    this.#options.log.debug(
      `worker ${info.pid} is ready: ${info.implementation} ${info.python}, ${info.executable}`,
    );
    this.#bootFailure = undefined;
    this.#dispatcher.add(worker);
    if (this.#booting !== undefined && --this.#booting.missing === 0) this.#booting.resolve();
  }

  bootFailed(worker: Worker, failure: WorkerFailure): void {
    const error = bootError(failure, this.#options);
    if (this.#booting !== undefined) {
      this.#booting.reject(error);
      return;
    }
    // The same traceback again and again would bury everything else.
    const detail = error.detail === this.#bootFailure?.detail ? undefined : error.detail;
    this.#bootFailure = error;
    this.#options.log.error(`${error.code}: worker ${worker.pid}: ${error.message}`, { detail });
  }

  retiring(worker: Worker): void {
    this.#retired.add(worker);
    if (!this.#stopping) this.#restart(0);
  }

  ended(_worker: Worker, serviceUs: number): void {
    this.#dispatcher.ended(serviceUs);
  }

  handedBack(_worker: Worker, jobs: readonly Job[]): void {
    if (this.#stopping) for (const job of jobs) job.fail(stopped());
    else this.#dispatcher.giveBack(jobs);
  }

  gone(worker: Worker, status: string): void {
    this.#workers.delete(worker);
    this.#dispatcher.remove(worker);
    if (this.#workers.size === 0) this.#allGone?.();
    if (this.#stopping) return;
    const { log, python } = this.#options;
    if (this.#booting !== undefined) {
      this.#booting.reject(
        new BootError(
          'XGI_WORKER_BOOT',
          `a worker ended (${status}) before the application was loaded; is ${python} CPython 3.8 or later?`,
        ),
      );
      return;
    }
    if (this.#retired.has(worker)) {
      log.warn(`XGI_WORKER_EXIT: worker ${worker.pid} ended (${status}); another has taken its place`);
      return;
    }
    const pauseMs = this.#backoff.next(performance.now() - worker.startedAtMs, worker.isReady);
    log.warn(
      `XGI_WORKER_EXIT: worker ${worker.pid ?? '(no process)'} ended (${status}); another is started${pauseMs > 0 ? ` in ${pauseMs / 1000} s` : ''}`,
    );
    this.#restart(pauseMs);
  }

  #restart(pauseMs: number): void {
    const restart = setTimeout(() => {
      this.#restarts.delete(restart);
      try {
        this.#spawn();
      } catch (error) {
        // No file descriptor, no room, no folder: what is running goes on.
        const againMs = this.#backoff.next(0, false);
        this.#options.log.error(
          `XGI_WORKER_SPAWN: no worker can be started: ${(error as Error).message}; tried again in ${againMs / 1000} s`,
        );
        this.#restart(againMs);
      }
    }, pauseMs);
    this.#restarts.add(restart);
  }

  #checkDeadlines(): void {
    const { timeoutMs } = this.#options;
    const nowMs = performance.now();
    for (const worker of this.#workers) {
      worker.check(nowMs, timeoutMs);
      this.#checkBoot(worker, nowMs);
    }
    if (timeoutMs === 0) return;
    const overdue = this.#dispatcher.takeOlder(nowMs - timeoutMs);
    if (overdue.length === 0) return;
    const error = this.#notServed(timeoutMs / 1000);
    for (const job of overdue) job.fail(error);
  }

  /** An import may take its time, but one that hangs has to be seen. */
  #checkBoot(worker: Worker, nowMs: number): void {
    if (worker.isReady || nowMs < (this.#slowBoots.get(worker) ?? worker.startedAtMs) + SLOW_BOOT_MS) return;
    this.#slowBoots.set(worker, nowMs);
    const seconds = Math.round((nowMs - worker.startedAtMs) / 1000);
    this.#options.log.warn(
      `XGI_WORKER_BOOT: worker ${worker.pid} has been loading the application for ${seconds} s; kill -ABRT ${worker.pid} shows where it is`,
    );
  }

  /** Why requests have waited for so long. */
  #notServed(seconds: number): GatewayError {
    if (this.#bootFailure !== undefined && this.#dispatcher.workers === 0) {
      const { code, message } = this.#bootFailure;
      return new GatewayError(
        503,
        'XGI_APP_NOT_LOADED',
        `no worker can load the application; last ${code}: ${message}`,
      );
    }
    return new GatewayError(
      503,
      'XGI_WORKERS_BUSY',
      `no worker was free for ${seconds} s; more --workers or --threads may help`,
    );
  }

  /** Does something to every worker and waits until all are gone, or for so long. */
  async #ended(waitMs: number, end: (worker: Worker) => void): Promise<void> {
    if (this.#workers.size === 0) return;
    const gone = new Promise<void>((resolve) => (this.#allGone = resolve));
    for (const worker of this.#workers) end(worker);
    let timer: NodeJS.Timeout | undefined;
    await Promise.race([gone, new Promise((resolve) => (timer = setTimeout(resolve, waitMs)))]);
    clearTimeout(timer);
  }
}

function stopped(): GatewayError {
  return new GatewayError(503, 'XGI_STOPPING', 'the server is being stopped');
}
