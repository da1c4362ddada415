/** CGI programs: the pool that runs them, and the handler. */
import { dirname } from 'node:path';
import type { CgiConfig } from '../config/cgi.js';
import { ConfigError } from '../errors.js';
import { toText } from '../gateway/byte-text.js';
import { createCgiHandler } from '../handlers/cgi/cgi.js';
import { programUser } from '../process/program-user.js';
import { ProgramPool } from '../programs/program-pool.js';
import type { Handler, Log } from '../types.js';
import type { PoolStatus } from '../workers/status.js';
import type { Application, ApplicationOptions } from './application.js';
import { shareOf } from './share.js';
import type { ReloadOutcome } from './status.js';

export class CgiApplication implements Application {
  readonly handler: Handler;
  readonly #cgi: CgiConfig;
  readonly #pool: ProgramPool;

  constructor(options: ApplicationOptions, cgi: CgiConfig) {
    const { config, version, log, route } = options;
    this.#cgi = cgi;
    this.#pool = createPool(options, cgi);
    this.handler = createCgiHandler({
      ...cgi,
      sendfileRoots: config.sendfileRoots,
      pool: this.#pool,
      software: `xgi/${version}`,
      log,
      ...(route !== undefined && { route }),
    });
  }

  /** What runs programs as another user has to be started as root. */
  async prepare(): Promise<void> {
    if (this.#cgi.user !== null) await this.#pool.prepare();
  }

  start(): Promise<void> {
    return this.#pool.start();
  }

  reload(): Promise<ReloadOutcome> {
    this.#pool.reload();
    return Promise.resolve({ ok: true });
  }

  scale(): void {
    throw new ConfigError(
      'XGI_CONFIG_VALUE',
      'CGI programs have no workers; how many run at once is --cgi-concurrency, at the start',
    );
  }

  status(): PoolStatus {
    return this.#pool.status();
  }

  stop(graceMs: number): Promise<void> {
    return this.#pool.stop(graceMs);
  }
}

function createPool(
  { config, index, privileges, log, onLost }: ApplicationOptions,
  cgi: CgiConfig,
): ProgramPool {
  const { python, queueTimeoutMs } = config;
  const { umask, allowRoot } = config.privileges;
  if (python === null) checkWithoutPython(cgi, log);
  const user =
    python === null || cgi.user === null
      ? null
      : programUser({
          user: cgi.user,
          gateway: privileges,
          python: python.path,
          name: '--cgi-user',
          allowRoot,
        });
  return new ProgramPool({
    python: python?.path ?? null,
    launchers: shareOf(config, index).min,
    env: cgi.env,
    concurrency: Math.max(1, Math.floor(cgi.concurrency / config.gateways)),
    queueTimeoutMs,
    limits: cgi.limits,
    umask,
    user,
    preload: cgi.preload,
    log,
    onLost,
  });
}

/** Limits and users that would not hold are refused, not ignored. */
function checkWithoutPython({ limits, user }: CgiConfig, log: Log): void {
  const hasLimits = Object.values(limits).some((limit) => limit !== null);
  const wanted = user !== null ? '--cgi-user' : hasLimits ? '--cgi-limit-*' : undefined;
  if (wanted !== undefined)
    throw new ConfigError(
      'XGI_CONFIG_PYTHON',
      `${wanted} needs a Python 3.8 or later, and there is no python3 on PATH; install one, or name it with --python`,
    );
  log.warn(
    'XGI_CGI_NO_PYTHON: there is no python3 on PATH: programs are started by Node itself, which is slower, and gives them sockets for pipes (docs/guide/cgi.md)',
  );
}

/** The folder that programs are looked for in. Not byte text. */
export function siteFolder({ site }: CgiConfig): string {
  return site.kind === 'directory' ? toText(site.path) : dirname(toText(site.path));
}

/** `/srv/cgi-bin at /cgi-bin/` */
export function describeSite({ site, mount }: CgiConfig): string {
  return `${toText(site.path)} at ${mount}/`;
}
