/** A WSGI application: its workers, and the handler that hands them requests. */
import type { Interpreter } from '../config/python.js';
import type { ResolvedConfig } from '../config/resolve.js';
import { createWsgiHandler } from '../handlers/wsgi.js';
import { cleanEnvironment } from '../process/environment.js';
import type { Handler, WorkerRange } from '../types.js';
import { describeFailure } from '../workers/boot-error.js';
import type { PoolStatus } from '../workers/status.js';
import { Supervisor } from '../workers/supervisor.js';
import type { Application, ApplicationOptions } from './application.js';
import { shareOf } from './share.js';
import type { ReloadOutcome } from './status.js';

export class WsgiApplication implements Application {
  readonly handler: Handler;
  readonly #pool: Supervisor;

  constructor(options: ApplicationOptions) {
    this.#pool = createPool(options);
    this.handler = createWsgiHandler(this.#pool, { sendfileRoots: options.config.sendfileRoots });
  }

  /** Workers run as the rest. */
  prepare(): Promise<void> {
    return Promise.resolve();
  }

  start(): Promise<void> {
    return this.#pool.start();
  }

  async reload(): Promise<ReloadOutcome> {
    const result = await this.#pool.reload();
    return result === 'reloaded' ? { ok: true } : { ok: false, failure: describeFailure(result) };
  }

  scale(workers: WorkerRange): void {
    this.#pool.scale(workers);
  }

  status(): PoolStatus {
    return this.#pool.status();
  }

  stop(graceMs: number): Promise<void> {
    return this.#pool.stop(graceMs);
  }
}

/** Without one, the configuration is refused. */
export function interpreterOf({ python }: ResolvedConfig): Interpreter {
  if (python === null) throw new Error('a WSGI application without an interpreter');
  return python;
}

function createPool({ config, index, version, privileges, log, onFiles }: ApplicationOptions): Supervisor {
  return new Supervisor({
    python: interpreterOf(config).path,
    target: config.target,
    workers: shareOf(config, index),
    threads: config.threads,
    searchPath: config.searchPath,
    cwd: config.directory,
    env: { ...cleanEnvironment(process.env), ...privileges.env, ...config.env },
    timeoutMs: config.timeoutMs,
    queueTimeoutMs: config.queueTimeoutMs,
    gracefulTimeoutMs: config.gracefulTimeoutMs,
    recycling: config.recycling,
    preload: config.preload,
    multiprocess: config.workers.max > 1,
    middleware: config.wsgiMiddleware,
    validate: config.validate,
    sendfile: config.sendfileRoots.length > 0,
    onFiles: config.reloadOnChange === null ? undefined : onFiles,
    environ: { SERVER_SOFTWARE: `xgi/${version}` },
    log,
    passOn: (lines) => log.passOn(lines),
  });
}
