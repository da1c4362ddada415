/** CGI programs: what runs them, the places for those that run at once, and the handler. */
import { dirname } from 'node:path';
import type { CgiConfig } from '../config/cgi.js';
import { ConfigError } from '../errors.js';
import { createCgiHandler } from '../handlers/cgi/cgi.js';
import { readRss } from '../process/memory.js';
import { programUser } from '../process/program-user.js';
import { Launcher } from '../programs/launcher.js';
import { Places } from '../programs/places.js';
import { RunWatch } from '../programs/run-watch.js';
import type { Runner } from '../programs/runner.js';
import { Spawner } from '../programs/spawner.js';
import type { Handler, Log } from '../types.js';
import { PROTOCOL_VERSION } from '../wire/frames.js';
import { Rendezvous } from '../workers/rendezvous.js';
import type { PoolStatus } from '../workers/status.js';
import type { Application, ApplicationOptions } from './application.js';
import type { ReloadOutcome } from './status.js';

/** From SIGTERM to SIGKILL, for a program that is ended. */
const KILL_GRACE_MS = 2000;
/** Of the standard error of one run. */
const STDERR_BYTES = 65_536;
/** Output of one run that may be on its way to a client. */
const CREDIT_BYTES = 262_144;
const MAX_WAITING = 1024;

export class CgiApplication implements Application {
  readonly handler: Handler;
  readonly #cgi: CgiConfig;
  readonly #runner: Runner;
  readonly #places: Places;
  readonly #watch = new RunWatch();
  /** Its private folder holds the bodies of requests; its socket tells a later xgi whether we still live. */
  readonly #rendezvous: Rendezvous;
  #started = false;
  #requests = 0;

  constructor(options: ApplicationOptions, cgi: CgiConfig) {
    const { config, version, log } = options;
    this.#cgi = cgi;
    this.#rendezvous = new Rendezvous(log);
    const runner = createRunner(options, cgi);
    this.#runner = runner;
    this.#places = new Places({
      places: Math.ceil(cgi.concurrency / config.gateways),
      maxWaiting: MAX_WAITING,
      waitTimeoutMs: config.queueTimeoutMs,
      isOpen: () => runner.isReady,
    });
    runner.onReady = () => this.#places.pump();
    const handle = createCgiHandler({
      ...cgi,
      searchPath: cgi.env['PATH'] ?? '',
      runner,
      places: this.#places,
      watch: this.#watch,
      folder: () => this.#rendezvous.folder,
      software: `xgi/${version}`,
      log,
    });
    this.handler = (request) => {
      this.#requests++;
      return handle(request);
    };
  }

  /** What runs programs as another user has to be started as root. */
  async prepare(): Promise<void> {
    if (this.#cgi.user !== null) await this.#startRunner();
  }

  async start(): Promise<void> {
    await this.#rendezvous.listen();
    await this.#startRunner();
  }

  reload(): Promise<ReloadOutcome> {
    this.#runner.reload();
    return Promise.resolve({ ok: true });
  }

  scale(): void {
    throw new ConfigError(
      'XGI_CONFIG_VALUE',
      'CGI programs have no workers; how many run at once is --cgi-concurrency, at the start',
    );
  }

  /** The process that runs programs is the one worker there is. */
  status(): PoolStatus {
    const { pid, ready, startedAtMs, generation, booted, crashed } = this.#runner.status();
    const running = this.#watch.running;
    const requests = this.#requests - running.length - this.#places.waiting;
    return {
      generation,
      queue: { waiting: this.#places.waiting, oldestMs: Math.round(this.#places.oldestMs) },
      bootFailure: null,
      workers: [
        {
          pid,
          state: ready ? 'ready' : 'booting',
          generation,
          ageMs: Math.round(performance.now() - startedAtMs),
          requests,
          rssBytes: pid === null ? null : readRss(pid),
          running,
          ahead: 0,
        },
      ],
      totals: {
        requests,
        timeouts: this.#watch.timeouts,
        queueTimeouts: this.#places.refused,
        died: 0,
        booted,
        crashed,
        recycled: 0,
      },
    };
  }

  async stop(graceMs: number): Promise<void> {
    this.#places.close();
    await this.#runner.stop(graceMs);
    this.#rendezvous.close();
  }

  async #startRunner(): Promise<void> {
    if (this.#started) return;
    this.#started = true;
    await this.#runner.start();
  }
}

function createRunner({ config, privileges, log, onLost }: ApplicationOptions, cgi: CgiConfig): Runner {
  const { env, limits, user, preload } = cgi;
  if (config.python === null) {
    checkWithoutPython(cgi, log);
    return new Spawner({ environ: env, killGraceMs: KILL_GRACE_MS, stderrBytes: STDERR_BYTES });
  }
  return new Launcher({
    python: config.python.path,
    settings: {
      protocol: PROTOCOL_VERSION,
      environ: env,
      credit: CREDIT_BYTES,
      killGraceMs: KILL_GRACE_MS,
      stderrBytes: STDERR_BYTES,
      limits,
      umask: config.privileges.umask,
      user:
        user === null
          ? null
          : programUser({
              user,
              gateway: privileges,
              python: config.python.path,
              name: '--cgi-user',
              allowRoot: config.privileges.allowRoot,
            }),
      preload,
    },
    log,
    onLost: user === null ? undefined : onLost,
  });
}

/** Limits and users that would not hold are refused, not ignored. */
function checkWithoutPython({ limits, user }: CgiConfig, log: Log): void {
  const wanted =
    user !== null
      ? '--cgi-user'
      : Object.values(limits).some((limit) => limit !== null)
        ? '--cgi-limit-*'
        : undefined;
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
  return site.kind === 'directory' ? textOf(site.path) : dirname(textOf(site.path));
}

/** `/srv/cgi-bin at /cgi-bin/` */
export function describeSite({ site, mount }: CgiConfig): string {
  return `${textOf(site.path)} at ${mount}/`;
}

function textOf(byteText: string): string {
  return Buffer.from(byteText, 'latin1').toString('utf8');
}
