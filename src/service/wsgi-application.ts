/** The workers of a configuration. */
import type { ResolvedConfig } from '../config/resolve.js';
import type { ProgramLog } from '../observe/program-log.js';
import { cleanEnvironment } from '../process/environment.js';
import type { WorkerRange } from '../types.js';
import { Supervisor } from '../workers/supervisor.js';

export interface PoolOptions {
  readonly config: ResolvedConfig;
  readonly workers: WorkerRange;
  readonly version: string;
  /** What `--user` brings with it. */
  readonly userEnv?: Readonly<Record<string, string>>;
  readonly log: ProgramLog;
  /** Used if the configuration wants reloads on changes. */
  readonly onFiles?: (paths: readonly string[]) => void;
}

/** Makes the supervisor; starts nothing. */
export function createPool({
  config,
  workers,
  version,
  userEnv = {},
  log,
  onFiles,
}: PoolOptions): Supervisor {
  return new Supervisor({
    python: config.python.path,
    target: config.target,
    workers,
    threads: config.threads,
    searchPath: config.searchPath,
    cwd: config.directory,
    env: { ...cleanEnvironment(process.env), ...userEnv, ...config.env },
    timeoutMs: config.timeoutMs,
    queueTimeoutMs: config.queueTimeoutMs,
    gracefulTimeoutMs: config.gracefulTimeoutMs,
    recycling: config.recycling,
    preload: config.preload,
    multiprocess: config.workers.max > 1,
    onFiles: config.reloadOnChange === null ? undefined : onFiles,
    environ: { SERVER_SOFTWARE: `xgi/${version}` },
    log,
    passOn: (lines) => log.passOn(lines),
  });
}
