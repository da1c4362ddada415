/**
 * A TypeScript application: its module, which is loaded anew by a reload. It runs in this process, or with `workers` in threads of their own
 * (thread-pool.ts).
 */
import path from 'node:path';
import { type BootError, ConfigError } from '../errors.js';
import { ThreadPool } from '../handlers/app/threads/thread-pool.js';
import { cleanEnvironment } from '../process/environment.js';
import type { GatewayRequest, Handler, Log, WorkerRange } from '../types.js';
import { describeFailure } from '../workers/boot-error.js';
import type { PoolStatus } from '../workers/status.js';
import { type AppModule, loadApp } from './app-module.js';
import type { ThreadData } from './app-thread.js';
import type { Application, ApplicationOptions } from './application.js';
import { NO_WORKERS } from './no-workers.js';
import { shareOf } from './share.js';
import type { ReloadOutcome } from './status.js';
import { Unanswered } from './unanswered.js';

/** As built: threads do not read TypeScript in every Node. */
const PROGRAM = new URL('../../dist/service/app-thread.js', import.meta.url);

/** @param file absolute */
export function createAppApplication(options: ApplicationOptions, file: string): Application {
  return options.config.workers.max === 0
    ? new InlineApplication(options, file)
    : new ThreadsApplication(options, file);
}

/** One load of the module, and the requests whose answers are not over. */
class Load {
  readonly handler: Handler;
  readonly #module: AppModule;
  readonly #unanswered = new Unanswered();
  #closing: Promise<void> | undefined;

  constructor(module: AppModule) {
    this.#module = module;
    this.handler = (request) => this.#unanswered.track(module.handler(request));
  }

  /** Waits for its answers, not longer than that, and has it let go of what it holds, once; after the shortest time, if it is called again. */
  async retire(graceMs: number, log: Log): Promise<void> {
    await this.#unanswered.none(graceMs);
    this.#closing ??= this.#module.close().catch((error: unknown) => {
      log.error(`XGI_APP_CLOSE: the application’s close has failed: ${String(error)}`);
    });
    await this.#closing;
  }
}

class InlineApplication implements Application {
  readonly handler: Handler;
  readonly #options: ApplicationOptions;
  readonly #file: string;
  readonly #started: Promise<Load>;
  #begin: (load: Promise<Load>) => void = () => {};
  #load: Load | undefined;
  /** Those that have been replaced, and still answer. */
  readonly #retiring = new Set<Load>();
  #generation = 1;

  constructor(options: ApplicationOptions, file: string) {
    this.#options = options;
    this.#file = file;
    // What comes before the start waits for it.
    this.#started = new Promise((resolve) => {
      this.#begin = resolve;
    });
    this.#started.catch(() => {});
    this.handler = (request: GatewayRequest) =>
      this.#load === undefined
        ? this.#started.then(({ handler }) => handler(request))
        : this.#load.handler(request);
  }

  prepare(): Promise<void> {
    return Promise.resolve();
  }

  /** @throws BootError */
  async start(): Promise<void> {
    const loading = this.#loadAnew();
    this.#begin(loading);
    this.#load = await loading;
  }

  /** Requests under way are finished by the code that has begun them. */
  reload(): Promise<ReloadOutcome> {
    return outcomeOf(this.#reloadNow(), this.#options.log);
  }

  async #reloadNow(): Promise<void> {
    const old = this.#load;
    this.#load = await this.#loadAnew();
    this.#generation += 1;
    if (old !== undefined) void this.#retire(old);
  }

  scale(): void {
    throw new ConfigError(
      'XGI_CONFIG_VALUE',
      'this TypeScript application runs in the gateway itself; start it with --workers N to have threads',
    );
  }

  status(): PoolStatus {
    return { ...NO_WORKERS, generation: this.#generation };
  }

  async stop(graceMs: number): Promise<void> {
    const loads = [this.#load, ...this.#retiring];
    await Promise.all(loads.map((load) => load?.retire(graceMs, this.#options.log)));
  }

  async #retire(load: Load): Promise<void> {
    this.#retiring.add(load);
    await load.retire(this.#options.config.gracefulTimeoutMs, this.#options.log);
    this.#retiring.delete(load);
  }

  async #loadAnew(): Promise<Load> {
    const { config, log, onFiles } = this.#options;
    const print = (line: string): void => log.error(line);
    const watch = config.reloadOnChange === null ? undefined : onFiles;
    return new Load(await loadApp(this.#file, { print, onFiles: watch, multiprocess: config.gateways > 1 }));
  }
}

class ThreadsApplication implements Application {
  readonly handler: Handler;
  readonly #pool: ThreadPool;
  readonly #log: Log;

  constructor({ config, index, privileges, log, onFiles }: ApplicationOptions, file: string) {
    const tellsFiles = config.reloadOnChange !== null;
    const data: ThreadData = { file, tellsFiles };
    this.#log = log;
    this.#pool = new ThreadPool({
      program: {
        name: path.basename(file),
        entry: PROGRAM,
        data,
        env: { ...cleanEnvironment(process.env), ...privileges.env, ...config.env },
      },
      size: shareOf(config, index).min,
      timeoutMs: config.timeoutMs,
      queueTimeoutMs: config.queueTimeoutMs,
      gracefulTimeoutMs: config.gracefulTimeoutMs,
      onFiles: tellsFiles ? onFiles : undefined,
      log,
    });
    this.handler = this.#pool.handler;
  }

  prepare(): Promise<void> {
    return Promise.resolve();
  }

  start(): Promise<void> {
    return this.#pool.start();
  }

  reload(): Promise<ReloadOutcome> {
    return outcomeOf(this.#pool.reload(), this.#log);
  }

  scale({ min, max }: WorkerRange): void {
    if (min !== max)
      throw new ConfigError(
        'XGI_CONFIG_VALUE',
        'a TypeScript application has a number of threads, not a range',
      );
    this.#pool.scale(min);
  }

  status(): PoolStatus {
    return this.#pool.status();
  }

  stop(graceMs: number): Promise<void> {
    return this.#pool.stop(graceMs);
  }
}

/** @param reload rejects with a BootError if the old code goes on, which the log is told */
async function outcomeOf(reload: Promise<void>, log: Log): Promise<ReloadOutcome> {
  try {
    await reload;
    return { ok: true };
  } catch (error) {
    const { code, message, detail } = error as BootError;
    if (code !== 'XGI_STOPPING')
      log.error(`XGI_RELOAD_FAILED: the old code goes on serving: ${code}: ${message}`, { detail });
    return { ok: false, failure: describeFailure(error as BootError) };
  }
}
