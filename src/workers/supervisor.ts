/**
 * Keeps the workers of one application running, as many as there should be and with the present code.
 *
 * Life:
 *  1. `start` opens the meeting place and boots the workers; if the application cannot be loaded, everything is ended again.
 *  2. A worker that ends is replaced: at once if it had been serving, with growing pauses while none can load the application.
 *  3. `reload` makes a new generation. Its first worker proves the code; then, one for one, new workers are started and old ones
 *     dismissed. Code that cannot be loaded changes nothing. Recycling and scaling go the same way (crew-plan.ts).
 *  4. A request past its deadline is answered with 504 and its worker interrupted, in the end killed (watchdog.ts).
 *  5. `stop` drains the workers and ends them after the grace period.
 */
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { BootError, GatewayError } from '../errors.js';
import { readRss } from '../process/memory.js';
import type { Log, Recycling, WorkerRange } from '../types.js';
import { PROTOCOL_VERSION, type HelloSettings, type ReadyInfo, type WorkerFailure } from '../wire/frames.js';
import { Backoff } from './backoff.js';
import { bootError, type ConfiguredMiddleware, describeFailure } from './boot-error.js';
import { planCrew } from './crew-plan.js';
import { Dispatcher } from './dispatcher.js';
import { Generation, type GenerationOwner } from './generation.js';
import type { Job } from './job.js';
import { Lifetime, NO_RECYCLING } from './recycling.js';
import { Reloads, type ReloadResult } from './reloads.js';
import { Rendezvous } from './rendezvous.js';
import { Scaler } from './scaler.js';
import { NO_TOTALS } from './no-totals.js';
import type { PoolStatus, PoolTotals, WorkerStatus } from './status.js';
import { Worker, type WorkerOwner } from './worker.js';
import { InterpreterLauncher } from './worker-process.js';
import type { WorkerSpawner } from './worker-spawner.js';
import type { PassOn } from './worker-stderr.js';

export interface SupervisorOptions {
  /** The interpreter, CPython 3.8 or later. */
  readonly python: string;
  /** `module:callable` and its other forms, see docs/protocol.md. */
  readonly target: string;
  readonly workers: WorkerRange;
  readonly threads: number;
  /** Put at the front of `sys.path`. */
  readonly searchPath: readonly string[];
  readonly cwd: string;
  /** The whole environment of the workers. */
  readonly env: Readonly<NodeJS.ProcessEnv>;
  /** Starts them, with the same interpreter, folder and environment, as another user. Default: they run as this process. `prepare` is needed then. */
  readonly spawner?: WorkerSpawner | undefined;
  /** How long a request may run without progress; 0 for ever. */
  readonly timeoutMs: number;
  /** How long a request may wait for a worker; 0 for ever. */
  readonly queueTimeoutMs: number;
  /** How long a worker that is replaced may take to finish what it runs. */
  readonly gracefulTimeoutMs: number;
  /** Default: workers are not replaced. */
  readonly recycling?: Recycling;
  /** Load the application once and fork the workers. Default false. */
  readonly preload?: boolean;
  /** Other processes run the same application. Default false. */
  readonly multiprocess?: boolean;
  /** Whether the body of an answer with X-Sendfile is not wanted: the handler sends that file. Default false. */
  readonly sendfile?: boolean;
  /** Around the application, the outermost first. Default none. */
  readonly middleware?: readonly ConfiguredMiddleware[];
  /** For development: the application is checked against PEP 3333. Default false. */
  readonly validate?: boolean;
  /**
   * For development: called with the files that the application imports. And an application that cannot be loaded at the start
   * is waited for.
   */
  readonly onFiles?: ((paths: readonly string[]) => void) | undefined;
  /** The base environ: what is the same for every request. */
  readonly environ: Readonly<Record<string, string>>;
  readonly log: Log;
  /** Takes what workers write to their standard error. Default: to ours. */
  readonly passOn?: PassOn;
}

/** The body bytes of one answer that may be on their way to the client. */
const CREDIT_BYTES = 262_144;
const CHECK_MS = 100;
/** With a limit to memory: a worker that leaks can grow by gigabytes in a second. */
const MEMORY_CHECK_MS = 20;
/** After each such time of loading the application, a worker is reported. */
const SLOW_BOOT_MS = 30_000;
/** Workers of an idle application leave within a few milliseconds; this is for those that do not. */
const KILL_GRACE_MS = 1000;
/** Loading an application is work for a core. */
const MAX_BOOTING = Math.max(4, 2 * availableParallelism());

/** The folder of the Python side. */
export const PROGRAM = fileURLToPath(new URL('../../python/xgi_worker', import.meta.url));

export class Supervisor implements WorkerOwner, GenerationOwner {
  readonly #options: SupervisorOptions;
  readonly #recycling: Recycling;
  readonly #dispatcher = new Dispatcher();
  readonly #workers = new Set<Worker>();
  readonly #backoff = new Backoff();
  readonly #restarts = new Set<NodeJS.Timeout>();
  readonly #rendezvous: Rendezvous;
  readonly #scaler: Scaler;
  readonly #reloads: Reloads;
  readonly #totals: { -readonly [Name in keyof PoolTotals]: number } = { ...NO_TOTALS };
  /** Where new workers come from; not before `start`. */
  #generation: Generation | undefined;
  /** The one before it, as long as the new one is not proven. */
  #provenGeneration: Generation | undefined;
  #check: NodeJS.Timeout | undefined;
  #stopping = false;
  #stopped: Promise<void> | undefined;
  #booting: { resolve: () => void; reject: (error: Error) => void } | undefined;
  #allGone: (() => void) | undefined;
  /** When a worker was last reported for its slow start. */
  readonly #slowBoots = new WeakMap<Worker, number>();
  /** Workers that have told why they cannot load the application. */
  readonly #explained = new WeakSet<Worker>();
  /** Why the last worker that started could not load the application. */
  #bootFailure: BootError | undefined;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#recycling = options.recycling ?? NO_RECYCLING;
    this.#rendezvous = new Rendezvous(options.log);
    this.#scaler = new Scaler(options.workers);
    this.#reloads = new Reloads({
      begin: () => this.#beginReload(),
      givenUp: (afterMs) =>
        options.log.warn(
          `XGI_RELOAD_HANGS: the reload is not over after ${Math.round(afterMs / 1000)} s, and given up for the next one`,
        ),
    });
  }

  /** A private folder for spooled bodies, made when first asked for; `stop` removes it. */
  get folder(): string {
    return this.#rendezvous.folder.path;
  }

  /** Of spooled bodies; null if nobody but this user has to read them. */
  get bodyMode(): number | null {
    return this.#rendezvous.folder.readableMode;
  }

  /** Process ids of the workers that are running. */
  get pids(): number[] {
    return [...this.#workers].flatMap((worker) => worker.pid ?? []);
  }

  get workers(): WorkerRange {
    return this.#scaler.range;
  }

  /** Does what only root can do. @throws ConfigError */
  async prepare(): Promise<void> {
    const { spawner } = this.#options;
    if (spawner === undefined) return;
    this.#rendezvous.folder.share(spawner.sharing);
    await spawner.start(this.folder);
  }

  /**
   * Boots the workers. Requests may be submitted before; they wait.
   *
   * @throws BootError if the application cannot be loaded; nothing is left running then
   */
  async start(): Promise<void> {
    try {
      await this.#rendezvous.listen();
      if (this.#stopping) return;
      const checkMs = this.#recycling.maxRssBytes > 0 ? MEMORY_CHECK_MS : CHECK_MS;
      this.#check = setInterval(() => this.#look(), checkMs);
      await new Promise<void>((resolve, reject) => {
        this.#booting = { resolve, reject };
        this.#generation = this.#createGeneration(1);
        this.#reconcile();
        if (this.#options.onFiles !== undefined) resolve();
      });
    } catch (error) {
      await this.stop(0);
      throw error;
    } finally {
      this.#booting = undefined;
    }
  }

  /**
   * Replaces all workers by such with the code as it is now. Resolves when the last old one is dismissed, or when it is clear
   * that the new code cannot be loaded, and the old one goes on. Calls during a reload make one more.
   */
  reload(): Promise<ReloadResult> {
    if (this.#generation === undefined) return Promise.resolve(stoppingError());
    return this.#reloads.ask();
  }

  /** Changes how many workers there are; those that are too many finish what they have. */
  scale(range: WorkerRange): void {
    // They have told the application that it is alone.
    const wasAlone = this.#scaler.range.max === 1 && range.max > 1 && this.#options.multiprocess !== true;
    if (wasAlone) for (const worker of this.#workers) worker.isDue = true;
    this.#scaler.range = range;
    this.#reconcile();
  }

  status(): PoolStatus {
    const nowMs = performance.now();
    const { waiting, firstArrivedAtMs } = this.#dispatcher;
    return {
      generation: this.#generation?.number ?? 0,
      bootFailure: this.#bootFailure === undefined ? null : describeFailure(this.#bootFailure),
      queue: { waiting, oldestMs: waiting === 0 ? 0 : Math.round(nowMs - firstArrivedAtMs) },
      workers: [...this.#workers].map((worker) => describeWorker(worker, nowMs)),
      totals: { ...this.#totals },
    };
  }

  /**
   * Lets the workers answer what they have and ends them; those that are not gone after `graceMs` are killed. With 0 they are
   * killed at once, also those that an earlier call is still waiting for.
   */
  stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    this.#stopped ??= this.#stop(graceMs);
    if (graceMs === 0) for (const worker of this.#workers) worker.kill('SIGKILL');
    return this.#stopped;
  }

  async #stop(graceMs: number): Promise<void> {
    this.#clearRestarts();
    this.#booting?.resolve();
    this.#reloads.finish(stoppingError());
    for (const job of this.#dispatcher.clear()) job.fail(stopped());
    await this.#ended(graceMs, (worker) => worker.dismiss(Number.POSITIVE_INFINITY));
    await this.#ended(KILL_GRACE_MS, (worker) => worker.kill('SIGKILL'));
    clearInterval(this.#check);
    // Those that are left: a zygote that hangs does not tell of their end.
    for (const { generation } of this.#workers) generation.close();
    this.#provenGeneration?.close();
    this.#generation?.close();
    await this.#options.spawner?.stop();
    this.#rendezvous.close();
  }

  submit(job: Job): void {
    if (this.#stopping) job.fail(stopped());
    else if (this.#isHopeless) job.fail(this.#notServed(0));
    else this.#dispatcher.submit(job);
  }

  /** The client has gone: the job is taken out of the queue, or its worker is told. */
  abort(job: Job): void {
    if (this.#dispatcher.cancel(job)) return;
    for (const worker of this.#workers) if (worker.abort(job)) return;
  }

  // --- the crew ---

  /** Starts and dismisses workers until there are as many as there should be, with the present code. */
  #reconcile(): void {
    const generation = this.#generation;
    if (this.#stopping || generation === undefined) return;
    const { dismiss, boot } = planCrew(this.#workers, {
      size: this.#scaler.size,
      delayed: this.#restarts.size,
      // At the start there is nothing that a failure could be compared with.
      proven: generation.proven || this.#provenGeneration === undefined,
      maxBooting: MAX_BOOTING,
    });
    for (const worker of dismiss) worker.dismiss(this.#options.gracefulTimeoutMs);
    if (generation.isOpen) for (let i = 0; i < boot; i++) this.#spawn(generation);
    if (this.#isComplete) {
      this.#booting?.resolve();
      this.#reloads.finish('reloaded');
    }
  }

  /** As many workers serve as should, and all have the present code. */
  get #isComplete(): boolean {
    if (this.#generation?.proven !== true) return false;
    let fresh = 0;
    for (const worker of this.#workers) {
      if (!worker.isReady || worker.draining) continue;
      if (!worker.generation.isCurrent) return false;
      fresh++;
    }
    return fresh >= this.#scaler.size;
  }

  #spawn(generation: Generation): void {
    try {
      this.#workers.add(this.#createWorker(generation));
      this.#totals.booted++;
    } catch (error) {
      if (this.#booting !== undefined && this.#options.onFiles === undefined) {
        this.#booting.reject(error as Error);
        return;
      }
      // No file descriptor, no room, no folder: what is running goes on.
      const nowMs = performance.now();
      const againMs = Math.max(this.#backoff.next(nowMs, nowMs, false), CHECK_MS);
      this.#options.log.error(
        `XGI_WORKER_SPAWN: no worker can be started: ${(error as Error).message}; tried again in ${againMs / 1000} s`,
      );
      this.#restartIn(againMs);
    }
  }

  #createWorker(generation: Generation): Worker {
    const options = this.#options;
    return new Worker(
      {
        generation,
        settings: this.#settings(),
        lifetime: new Lifetime(this.#recycling),
        rendezvous: this.#rendezvous,
        log: options.log,
        passOn: this.#passOn,
      },
      this,
    );
  }

  #createGeneration(number: number): Generation {
    const { python, cwd, env, spawner, middleware = [], preload = false, log } = this.#options;
    const interpreter = spawner ?? new InterpreterLauncher({ python, program: PROGRAM, cwd, env });
    return new Generation(
      number,
      {
        interpreter,
        python,
        cwd,
        middleware,
        preload,
        settings: this.#settings(),
        rendezvous: this.#rendezvous,
        log,
        passOn: this.#passOn,
      },
      this,
    );
  }

  #settings(): Omit<HelloSettings, 'stateFile'> {
    const {
      target,
      searchPath,
      threads,
      environ,
      multiprocess = false,
      sendfile = false,
      middleware = [],
      validate = false,
      onFiles,
    } = this.#options;
    return {
      protocol: PROTOCOL_VERSION,
      target,
      searchPath,
      threads,
      environ: { SCRIPT_NAME: '', ...environ },
      multiprocess: multiprocess || this.#scaler.range.max > 1,
      credit: CREDIT_BYTES,
      watch: onFiles !== undefined,
      sendfile,
      middleware: middleware.map(({ target: name, options }) => ({ target: name, options })),
      validate,
    };
  }

  readonly #passOn: PassOn = (lines) => {
    const { passOn } = this.#options;
    if (passOn === undefined) process.stderr.write(lines);
    else passOn(lines);
  };

  #restartIn(pauseMs: number): void {
    const restart = setTimeout(() => {
      this.#restarts.delete(restart);
      this.#reconcile();
    }, pauseMs);
    this.#restarts.add(restart);
  }

  #clearRestarts(): void {
    for (const restart of this.#restarts) clearTimeout(restart);
    this.#restarts.clear();
  }

  // --- reload ---

  /** What is not proven yet is forgotten: the code may have changed again. */
  #beginReload(): void {
    if (this.#stopping) {
      this.#reloads.finish(stoppingError());
      return;
    }
    const old = this.#generation!;
    try {
      this.#generation = this.#createGeneration(old.number + 1);
    } catch (error) {
      const message = `no zygote can be started: ${(error as Error).message}`;
      this.#reloads.finish(new BootError('XGI_WORKER_SPAWN', message));
      return;
    }
    if (old.proven) this.#provenGeneration = old;
    else old.retire();
    old.isCurrent = false;
    this.#clearRestarts();
    this.#backoff.reset();
    this.#bootFailure = undefined;
    this.#reconcile();
  }

  /** The code of the present generation cannot be loaded. @returns whether the old one goes on */
  #revert(generation: Generation, error: BootError): boolean {
    const old = this.#provenGeneration;
    if (generation !== this.#generation || generation.proven || old === undefined) return false;
    this.#options.log.error(
      `XGI_RELOAD_FAILED: the old code goes on serving: ${error.code}: ${error.message}`,
      {
        detail: error.detail,
      },
    );
    generation.retire();
    for (const worker of this.#workers) if (worker.generation === generation) worker.dismiss(0);
    old.isCurrent = true;
    this.#generation = old;
    this.#provenGeneration = undefined;
    this.#reloads.finish(error);
    return true;
  }

  // --- what generations tell ---

  opened(): void {
    this.#reconcile();
  }

  failed(generation: Generation, error: BootError): void {
    this.#loadFailed(generation, error, 'the zygote');
    this.#reconcile();
  }

  files(paths: readonly string[]): void {
    this.#options.onFiles?.(paths);
  }

  // --- what workers tell ---

  started(worker: Worker): void {
    this.#options.log.info(`Booting worker with pid: ${worker.pid}`);
  }

  ready(worker: Worker, info: ReadyInfo): void {
    // Its end is on its way.
    if (worker.isDismissed) return;
    this.#options.log.debug(
      `worker ${info.pid} is ready: ${info.implementation} ${info.python}, ${info.executable}`,
    );
    this.#bootFailure = undefined;
    this.#backoff.reset();
    const { generation } = worker;
    if (!generation.proven) {
      generation.proven = true;
      if (generation === this.#generation) {
        this.#provenGeneration?.retire();
        this.#provenGeneration = undefined;
      }
    }
    // Before its first request: what it has then, its successor will have as well.
    if (worker.lifetime.limitsMemory) this.#checkSize(worker);
    this.#dispatcher.add(worker);
    this.#reconcile();
  }

  bootFailed(worker: Worker, failure: WorkerFailure): void {
    this.#explained.add(worker);
    this.#loadFailed(worker.generation, bootError(failure, this.#options), nameOf(worker));
  }

  #loadFailed(generation: Generation, error: BootError, who: string): void {
    // A reload has followed: it is about other code.
    if (!generation.isCurrent) return;
    if (this.#booting !== undefined && this.#options.onFiles === undefined) {
      this.#booting.reject(error);
      return;
    }
    if (this.#revert(generation, error)) return;
    // The same traceback again and again would bury everything else.
    const isKnown = error.message === this.#bootFailure?.message && error.detail === this.#bootFailure.detail;
    this.#bootFailure = error;
    const line = `${error.code}: ${who}: ${error.message}`;
    if (!isKnown) this.#options.log.error(line, { detail: error.detail });
    // In development somebody has seen it, and is writing.
    else if (this.#options.onFiles === undefined) this.#options.log.error(line);
    if (this.#isHopeless) for (const job of this.#dispatcher.clear()) job.fail(this.#notServed(0));
    this.#reloads.finish(error);
  }

  due(worker: Worker, reason?: string): void {
    if (!worker.isDue && !worker.draining) this.#totals.recycled++;
    if (reason !== undefined) this.#options.log.info(`Replacing worker with pid: ${worker.pid} (${reason})`);
    worker.isDue = true;
    this.#reconcile();
  }

  timedOut(): void {
    this.#totals.timeouts++;
  }

  ended(_worker: Worker, serviceUs: number): void {
    this.#totals.requests++;
    this.#dispatcher.ended(serviceUs);
  }

  handedBack(_worker: Worker, jobs: readonly Job[]): void {
    if (this.#stopping) for (const job of jobs) job.fail(stopped());
    else this.#dispatcher.giveBack(jobs);
  }

  gone(worker: Worker, status: string, died: number): void {
    this.#workers.delete(worker);
    this.#dispatcher.remove(worker);
    this.#totals.died += died;
    if (this.#workers.size === 0) this.#allGone?.();
    if (this.#stopping) return;
    if (worker.isDismissed) this.#options.log.info(`Worker with pid: ${worker.pid} has left (${status})`);
    else this.#lost(worker, status);
    this.#reconcile();
  }

  /** A worker has ended without having been told to. */
  #lost(worker: Worker, status: string): void {
    const { log, python } = this.#options;
    this.#totals.crashed++;
    const { generation } = worker;
    if (!worker.isReady && !this.#explained.has(worker) && !generation.proven) {
      const text = `a worker ended (${status}) before the application was loaded; is ${python} CPython 3.8 or later, which this user may run?`;
      const error = new BootError('XGI_WORKER_BOOT', text, { detail: worker.lastWords });
      this.#loadFailed(generation, error, nameOf(worker));
      if (this.#booting !== undefined && this.#options.onFiles === undefined) return;
      if (this.#generation !== generation) return;
    }
    const pauseMs = generation.isCurrent
      ? this.#backoff.next(performance.now(), worker.startedAtMs, worker.isReady)
      : 0;
    const next = pauseMs > 0 ? `another is started in ${pauseMs / 1000} s` : 'another takes its place';
    log.warn(`XGI_WORKER_EXIT: ${nameOf(worker)} ended (${status}); ${next}`, {
      detail: describeLastWords(worker.lastWords),
    });
    if (pauseMs > 0) this.#restartIn(pauseMs);
  }

  // --- time ---

  #look(): void {
    const nowMs = performance.now();
    for (const worker of this.#workers) {
      worker.check(nowMs, this.#options.timeoutMs);
      this.#checkBoot(worker, nowMs);
      if (worker.isReady && !worker.draining) this.#checkLife(worker, nowMs);
    }
    this.#checkQueue(nowMs);
    const { size } = this.#scaler;
    if (!this.#scaler.observe(nowMs, this.#load())) return;
    const grows = this.#scaler.size > size;
    this.#options.log.info(
      `Workers: ${this.#scaler.size} instead of ${size} (${grows ? 'requests wait' : 'some are idle'})`,
    );
    this.#reconcile();
  }

  #checkLife(worker: Worker, nowMs: number): void {
    const { lifetime } = worker;
    if (lifetime.limitsMemory && !worker.isBornLarge) this.#checkSize(worker);
    const ageMs = nowMs - worker.startedAtMs;
    if (!worker.isDue && lifetime.isTooOld(ageMs))
      this.due(worker, `${Math.round(ageMs / 1000)} s old, see --max-worker-age`);
  }

  #checkSize(worker: Worker): void {
    const rssBytes = (worker.pid === undefined ? null : readRss(worker.pid)) ?? 0;
    const isFirst = worker.rssBytes === null;
    worker.rssBytes = rssBytes;
    const { lifetime } = worker;
    if (!lifetime.isTooLarge(rssBytes)) return;
    const size = `${Math.round(rssBytes / 2 ** 20)} MiB, see --max-worker-rss`;
    if (isFirst) {
      worker.isBornLarge = true;
      this.#options.log.warn(
        `XGI_WORKER_RSS: worker ${worker.pid} is too large before its first request (${size}), so it is not replaced for that`,
      );
    } else if (worker.isDue) {
      if (lifetime.isIntolerable(rssBytes)) worker.dismiss(this.#options.gracefulTimeoutMs);
    } else {
      this.due(worker, size);
    }
  }

  #checkQueue(nowMs: number): void {
    const { queueTimeoutMs } = this.#options;
    if (queueTimeoutMs === 0) return;
    const overdue = this.#dispatcher.takeOlder(nowMs - queueTimeoutMs);
    if (overdue.length === 0) return;
    this.#totals.queueTimeouts += overdue.length;
    const error = this.#notServed(queueTimeoutMs / 1000);
    for (const job of overdue) job.fail(error);
  }

  #load(): { waiting: number; idle: number; booting: number; serving: number } {
    const load = { waiting: this.#dispatcher.waiting, idle: 0, booting: 0, serving: 0 };
    for (const worker of this.#workers) {
      if (worker.draining) continue;
      if (!worker.isReady) load.booting++;
      else load.serving++;
      if (worker.isReady && worker.inFlight === 0) load.idle++;
    }
    return load;
  }

  /** An import may take its time, but one that hangs has to be seen. */
  #checkBoot(worker: Worker, nowMs: number): void {
    if (worker.isReady || nowMs < (this.#slowBoots.get(worker) ?? worker.startedAtMs) + SLOW_BOOT_MS) return;
    this.#slowBoots.set(worker, nowMs);
    const seconds = Math.round((nowMs - worker.startedAtMs) / 1000);
    this.#options.log.warn(
      `XGI_WORKER_BOOT: ${nameOf(worker)} has been loading the application for ${seconds} s; kill -ABRT ${worker.pid ?? 'PID'} shows where it is`,
    );
  }

  /** In development, while the code cannot be loaded: to wait for its author makes no sense. */
  get #isHopeless(): boolean {
    return (
      this.#options.onFiles !== undefined && this.#bootFailure !== undefined && this.#dispatcher.workers === 0
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
      `no worker was free for ${seconds} s; more --workers or --threads may help, or a longer --queue-timeout`,
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

function describeWorker(worker: Worker, nowMs: number): WorkerStatus {
  const { pid, isReady, draining, generation, startedAtMs, requests } = worker;
  return {
    pid: pid ?? null,
    state: draining ? 'draining' : isReady ? 'ready' : 'booting',
    generation: generation.number,
    ageMs: Math.round(nowMs - startedAtMs),
    requests,
    rssBytes: pid === undefined ? null : readRss(pid),
    ...worker.status(nowMs),
  };
}

function nameOf({ pid }: Worker): string {
  return `worker ${pid ?? '(no process)'}`;
}

function describeLastWords(lines: string): string | undefined {
  return lines === '' ? undefined : `its standard error ended with:\n${lines}`;
}

function stoppingError(): BootError {
  return new BootError('XGI_STOPPING', 'the server is not running, or is being stopped');
}

function stopped(): GatewayError {
  return new GatewayError(503, 'XGI_STOPPING', 'the server is being stopped');
}
