/** A WSGI application: its workers, of its own user if it has one, and the handler that hands them requests. */
import type { Interpreter } from '../config/python.js';
import type { ResolvedConfig } from '../config/resolve.js';
import { createWsgiHandler } from '../handlers/wsgi.js';
import { cleanEnvironment } from '../process/environment.js';
import type { Handler, WorkerRange } from '../types.js';
import { describeFailure } from '../workers/boot-error.js';
import type { PoolStatus } from '../workers/status.js';
import { PROGRAM, Supervisor } from '../workers/supervisor.js';
import type { Application, ApplicationOptions } from './application.js';
import { shareOf } from './share.js';
import type { ReloadOutcome } from './status.js';
import { createSpawner, type WorkerUser, workerUserOf } from './worker-user.js';

export class WsgiApplication implements Application {
  readonly handler: Handler;
  readonly #pool: Supervisor;

  constructor(options: ApplicationOptions) {
    const user = workerUserOf(options);
    this.#pool = createPool(options, user);
    this.handler = createWsgiHandler(this.#pool, {
      sendfileRoots: options.config.sendfileRoots,
      fileOwner: user?.uid,
    });
  }

  prepare(): Promise<void> {
    return this.#pool.prepare();
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

function createPool(options: ApplicationOptions, user: WorkerUser | undefined): Supervisor {
  const { config, index, version, log, onFiles } = options;
  const python = interpreterOf(config).path;
  const env = {
    ...cleanEnvironment(process.env),
    ...(user?.privileges ?? options.privileges).env,
    ...config.env,
  };
  const program = { python, program: PROGRAM, cwd: config.directory, env };
  return new Supervisor({
    python,
    spawner: user === undefined ? undefined : createSpawner(options, user, program),
    target: config.target,
    workers: shareOf(config, index),
    threads: config.threads,
    searchPath: config.searchPath,
    cwd: config.directory,
    env,
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
