/**
 * The life of a serving gateway:
 *
 * 1. open the access log; listen on every endpoint, so that an address in use is found before anything is started;
 * 2. write the pid file; boot the workers: requests that arrive meanwhile wait;
 * 3. serve until a signal comes: TERM lets requests finish for the grace period, INT and QUIT for a second;
 * 4. stop accepting, drain the connections, then the workers; a second signal kills what is left;
 * 5. remove the pid file, write out the logs.
 *
 * A failure at any step goes on with step 4 without grace, then ends as the error says.
 */
import type { ResolvedConfig } from '../config/resolve.js';
import { ConfigError } from '../errors.js';
import { createWsgiHandler } from '../handlers/wsgi.js';
import { AccessLog } from '../observe/access-log.js';
import type { FormatLine } from '../observe/access-log-format.js';
import { ProgramLog } from '../observe/program-log.js';
import { writePidFile } from '../process/pid-file.js';
import { Server } from '../server/server.js';
import type { Supervisor } from '../workers/supervisor.js';
import { type Cause, Interruption } from './interruption.js';
import { createPool } from './pool.js';

export interface ServeOptions {
  readonly config: ResolvedConfig;
  /** Used if there is an access log. */
  readonly formatLine: FormatLine;
  readonly version: string;
}

const QUICK_STOP_MS = 1000;
/** What a worker without requests needs to leave by itself, when the connections took the whole grace period. */
const WORKER_EXIT_MS = 500;
const LOG_CLOSE_MS = 1000;

/**
 * Serves until it is told to stop.
 *
 * @returns the exit status: 0; or 1 after a bug in xgi, or if a second signal cut the end short
 * @throws ConfigError, ListenError, BootError or XgiError if it cannot start; nothing is left running then
 */
export async function serve({ config, formatLine, version }: ServeOptions): Promise<number> {
  const log = new ProgramLog({ level: config.logLevel });
  const accessLog = openAccessLog(config, formatLine, log);
  const interruption = new Interruption({ log, reopen: () => accessLog?.reopen() });
  const pool = createPool({ config, workers: config.workers.min, version, log });
  const server = new Server({
    handler: createWsgiHandler(pool),
    limits: config.limits,
    deadlines: config.deadlines,
    trustedProxies: config.trustedProxies,
    log,
  });
  const gateway = { config, server, pool, interruption, log };
  let removePidFile = (): void => {};
  try {
    log.info(`Starting xgi ${version}`);
    await listen(gateway);
    if (config.pidFile !== null) removePidFile = writePidFile(config.pidFile);
    const booted = pool.start();
    // A signal may come before the end of the boot, which then fails as it should.
    booted.catch(() => {});
    await Promise.race([booted, interruption.first]);
    const cause = await interruption.first;
    const complete = await stop(gateway, graceOf(cause, config));
    if (complete) log.info('Shutting down');
    return complete && cause !== 'exception' ? 0 : 1;
  } catch (error) {
    await stop(gateway, 0);
    throw error;
  } finally {
    removePidFile();
    await accessLog?.close(LOG_CLOSE_MS);
    await log.close(LOG_CLOSE_MS);
  }
}

interface Gateway {
  readonly config: ResolvedConfig;
  readonly server: Server;
  readonly pool: Supervisor;
  readonly interruption: Interruption;
  readonly log: ProgramLog;
}

function openAccessLog(
  { accessLog }: ResolvedConfig,
  format: FormatLine,
  log: ProgramLog,
): AccessLog | undefined {
  const { file } = accessLog;
  if (file === null) return undefined;
  try {
    return new AccessLog({
      file,
      format,
      onProblem: (message) => log.error(`access log: ${message}`),
    });
  } catch (error) {
    throw new ConfigError(
      'XGI_CONFIG_VALUE',
      `--access-logfile: expected a file that can be written, received ${JSON.stringify(file)}: ${(error as Error).message}`,
    );
  }
}

async function listen({ config, server, log }: Gateway): Promise<void> {
  const urls: string[] = [];
  for (const endpoint of config.endpoints) {
    const { url } = await server.listen(endpoint, { backlog: config.backlog });
    urls.push(url);
  }
  for (const url of urls) log.info(`Listening at: ${url} (${process.pid})`);
  log.info(`Using interpreter: ${config.python.path} (Python ${config.python.version})`);
}

function graceOf(cause: Cause, config: ResolvedConfig): number {
  return cause === 'SIGTERM' ? config.gracefulTimeoutMs : QUICK_STOP_MS;
}

/** @returns false if a second signal came before the end */
async function stop({ server, pool, interruption, log }: Gateway, graceMs: number): Promise<boolean> {
  const endMs = performance.now() + graceMs;
  const drained = server
    .shutdown(graceMs)
    .then(() => pool.stop(graceMs === 0 ? 0 : Math.max(endMs - performance.now(), WORKER_EXIT_MS)));
  const complete = await Promise.race([drained.then(() => true), interruption.second.then(() => false)]);
  if (complete) return true;
  log.warn('Stopped at once, by a second signal: requests under way are lost');
  await pool.stop(0);
  return false;
}
