/** `--check-config`: loads the application in one worker, as a start would, and stops it again. Listens nowhere. */
import type { ResolvedConfig } from '../config/resolve.js';
import { ProgramLog } from '../observe/program-log.js';
import { checkReach, checkRoot, dropPrivileges, resolvePrivileges } from '../process/privileges.js';
import { PROGRAM } from '../workers/supervisor.js';
import { createPool } from '../service/pool.js';

const LOG_CLOSE_MS = 1000;

export interface CheckOptions {
  readonly config: ResolvedConfig;
  readonly version: string;
  /** How a message names an option: `--user`. */
  readonly nameOf: (option: 'user' | 'group' | 'allowRoot') => string;
}

/**
 * As the user that would serve it.
 *
 * @returns the exit status 0
 * @throws BootError if the application cannot be loaded, ConfigError if it would run as root
 */
export async function check({ config, version, nameOf }: CheckOptions): Promise<number> {
  const privileges = resolvePrivileges(config.privileges, { nameOf });
  checkRoot({ privileges, allowRoot: config.privileges.allowRoot, nameOf });
  dropPrivileges(privileges);
  checkReach(privileges, {
    directory: config.directory,
    python: config.python.path,
    program: PROGRAM,
  });
  // A start's own messages would only hide the answer.
  const level = config.logLevel === 'info' ? 'warning' : config.logLevel;
  const log = new ProgramLog({ level });
  const pool = createPool({
    config,
    workers: { min: 1, max: 1 },
    version,
    userEnv: privileges.env,
    log,
  });
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
