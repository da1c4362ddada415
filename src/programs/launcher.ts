/**
 * The launcher: a small process that starts programs and relays what they write. Node would have to copy itself for each program, which
 * takes longer the more memory it has, and can give them only sockets for pipes.
 *
 * If it dies, the programs that it was running are killed and their requests fail; another takes its place, and who was not running yet
 * waits for that one.
 */
import { GatewayError, type BootError } from '../errors.js';
import type { Log } from '../types.js';
import type { LauncherSettings } from '../wire/frames.js';
import { Backoff } from '../workers/backoff.js';
import { launcherFailure, LauncherProcess } from './launcher-process.js';
import type { Run, Runner, RunnerStatus, RunOrder, RunOwner } from './runner.js';

export interface LauncherOptions {
  /** The interpreter that runs the launcher itself; absolute. */
  readonly python: string;
  readonly settings: LauncherSettings;
  readonly log: Log;
  /**
   * Called if it has died and no other may be started, because it had to be started as root, which this process is not any more. Without it, another is
   * started.
   */
  readonly onLost: (() => void) | undefined;
}

const BOOT_MS = 20_000;

export class Launcher implements Runner {
  onReady: () => void = () => {};
  readonly #options: LauncherOptions;
  readonly #backoff = new Backoff();
  #process: LauncherProcess | undefined;
  #restart: NodeJS.Timeout | undefined;
  /** The end of `start`. */
  #started: { resolve: () => void; reject: (error: BootError) => void } | undefined;
  #stopping = false;
  #generation = 1;
  #booted = 0;
  #crashed = 0;

  constructor(options: LauncherOptions) {
    this.#options = options;
  }

  get isReady(): boolean {
    return this.#process?.isReady ?? false;
  }

  /** Runs that are not over. */
  get running(): number {
    return this.#process?.running ?? 0;
  }

  async start(): Promise<void> {
    if (this.isReady || this.#stopping) return;
    const { python } = this.#options;
    const timer = setTimeout(() => {
      this.#started?.reject(launcherFailure(python, `not ready after ${BOOT_MS / 1000} s`));
      this.#process?.kill();
    }, BOOT_MS);
    try {
      await new Promise<void>((resolve, reject) => {
        this.#started = { resolve, reject };
        this.#spawn();
      });
    } finally {
      this.#started = undefined;
      clearTimeout(timer);
    }
  }

  run(order: RunOrder, owner: RunOwner): Run {
    if (this.#process === undefined)
      throw new GatewayError(503, 'XGI_CGI_LAUNCHER', 'there is no launcher at the moment');
    return this.#process.run(order, owner);
  }

  reload(): void {
    this.#generation++;
    this.#process?.reload();
  }

  async stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#restart);
    await this.#process?.stop(graceMs);
  }

  status(): RunnerStatus[] {
    return [
      {
        pid: this.#process?.pid ?? null,
        ready: this.isReady,
        startedAtMs: this.#process?.startedAtMs ?? performance.now(),
        generation: this.#generation,
        served: this.#process?.served ?? 0,
        booted: this.#booted,
        crashed: this.#crashed,
      },
    ];
  }

  #spawn(): void {
    this.#booted++;
    const process = new LauncherProcess(this.#options, {
      ready: () => {
        this.#backoff.reset();
        this.#started?.resolve();
        this.onReady();
      },
      gone: (status, served) => this.#lost(process, status, served),
    });
    this.#process = process;
  }

  #lost(lost: LauncherProcess, status: string, served: boolean): void {
    this.#process = undefined;
    const { log, onLost, python } = this.#options;
    this.#started?.reject(launcherFailure(python, `it ended: ${status}`));
    if (this.#stopping || this.#started !== undefined) return;
    this.#crashed++;
    const what = `XGI_CGI_LAUNCHER: the launcher of programs, ${lost.pid}, ended (${status})`;
    if (onLost !== undefined) {
      log.error(`${what}; another would need root, which has been given up: xgi stops, to be started again`);
      onLost();
      return;
    }
    const pauseMs = this.#backoff.next(performance.now(), lost.startedAtMs, served);
    log.error(`${what}; another is started${pauseMs > 0 ? ` in ${pauseMs / 1000} s` : ''}`);
    this.#restart = setTimeout(() => this.#spawn(), pauseMs);
  }
}
