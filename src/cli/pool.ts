/** The workers of a configuration. */
import type { ResolvedConfig } from '../config/resolve.js';
import type { Log } from '../types.js';
import { Supervisor } from '../workers/supervisor.js';

export interface PoolOptions {
  readonly config: ResolvedConfig;
  readonly workers: number;
  readonly version: string;
  readonly log: Log;
}

/** Makes the supervisor; starts nothing. */
export function createPool({ config, workers, version, log }: PoolOptions): Supervisor {
  return new Supervisor({
    python: config.python.path,
    target: config.target,
    workers,
    threads: config.threads,
    searchPath: config.searchPath,
    cwd: config.directory,
    env: config.env,
    timeoutMs: config.timeoutMs,
    environ: { SERVER_SOFTWARE: `xgi/${version}` },
    log,
  });
}
