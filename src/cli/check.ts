/** `--check-config`: loads the application in one worker, as a start would, and stops it again. Listens nowhere. */
import type { ResolvedConfig } from '../config/resolve.js';
import { ProgramLog } from '../observe/program-log.js';
import { createPool } from './pool.js';

const LOG_CLOSE_MS = 1000;

/**
 * @returns the exit status 0
 * @throws BootError if the application cannot be loaded
 */
export async function check({
  config,
  version,
}: {
  config: ResolvedConfig;
  version: string;
}): Promise<number> {
  // A start's own messages would only hide the answer.
  const level = config.logLevel === 'info' ? 'warning' : config.logLevel;
  const log = new ProgramLog({ level });
  const pool = createPool({ config, workers: 1, version, log });
  try {
    await pool.start();
    await pool.stop(config.gracefulTimeoutMs);
  } finally {
    await log.close(LOG_CLOSE_MS);
  }
  const { path, version: pythonVersion } = config.python;
  process.stdout.write(`xgi: ${config.target} can be served (${path}, Python ${pythonVersion})\n`);
  return 0;
}
