/**
 * One generation of workers: the code as it is when a reload begins, and where its workers come from: an interpreter for each, or,
 * with `preload`, the forks of a zygote.
 *
 * A zygote that dies is followed by another, with growing pauses while that fails; its workers go on. A generation that has
 * been followed by another keeps its zygote as long as it has workers, whose end only the zygote can tell.
 */
import { BootError } from '../errors.js';
import type { HelloSettings, WorkerFailure } from '../wire/frames.js';
import { Backoff } from './backoff.js';
import { bootError, type ConfiguredMiddleware } from './boot-error.js';
import type { Launcher } from './worker-process.js';
import { Zygote, type ZygoteOptions } from './zygote.js';

export interface GenerationOptions extends Omit<ZygoteOptions, 'settings' | 'launcher'> {
  /** Starts an interpreter. */
  readonly interpreter: Launcher;
  readonly python: string;
  readonly cwd: string;
  readonly settings: Omit<HelloSettings, 'stateFile'>;
  readonly middleware: readonly ConfiguredMiddleware[];
  readonly preload: boolean;
}

/** Who hears of the generation. */
export interface GenerationOwner {
  /** Its workers can be started. */
  opened(generation: Generation): void;
  /** Its zygote cannot load the application. */
  failed(generation: Generation, error: BootError): void;
  files(paths: readonly string[]): void;
}

export class Generation {
  /** 1 for the first. */
  readonly number: number;
  /** New workers are of this one. */
  isCurrent = true;
  /** A worker has loaded the application once. */
  proven = false;
  readonly startedAtMs: number = performance.now();
  readonly #options: GenerationOptions;
  readonly #owner: GenerationOwner;
  readonly #backoff = new Backoff();
  #zygote: Zygote | undefined;
  #restart: NodeJS.Timeout | undefined;
  /** Why its zygote could not load the application. */
  #failure: BootError | undefined;
  #workers = 0;
  #retired = false;
  #closed = false;

  constructor(number: number, options: GenerationOptions, owner: GenerationOwner) {
    this.number = number;
    this.#options = options;
    this.#owner = owner;
    if (options.preload) this.#startZygote();
  }

  /** Workers can be started. */
  get isOpen(): boolean {
    return !this.#options.preload || this.#zygote?.isReady === true;
  }

  /** Starts workers, while it is open. */
  get launcher(): Launcher {
    return this.#zygote ?? this.#options.interpreter;
  }

  workerStarted(): void {
    this.#workers++;
  }

  workerGone(): void {
    this.#workers--;
    this.#dismissIfIdle();
  }

  /** No further workers are started, ever. */
  retire(): void {
    this.isCurrent = false;
    this.#retired = true;
    clearTimeout(this.#restart);
    this.#dismissIfIdle();
  }

  /** Ends the zygote; call it when the workers are gone. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#restart);
    this.#zygote?.kill();
  }

  #dismissIfIdle(): void {
    if (this.#retired && this.#workers === 0) this.#zygote?.kill();
  }

  #startZygote(): void {
    const { interpreter, rendezvous, log, passOn, settings } = this.#options;
    this.#failure = undefined;
    const options = {
      launcher: interpreter,
      rendezvous,
      log,
      passOn,
      settings: { ...settings, stateFile: '' },
    };
    this.#zygote = new Zygote(options, {
      zygoteReady: (zygote, info) => {
        log.debug(`zygote ${info.pid} is ready`);
        if (this.#zygote === zygote && !this.#retired) this.#owner.opened(this);
      },
      zygoteFailed: (_zygote, failure) => this.#loadFailed(failure),
      files: (paths) => this.#owner.files(paths),
      zygoteGone: (zygote, status) => this.#zygoteGone(zygote, status),
    });
  }

  #loadFailed(failure: WorkerFailure): void {
    const { target } = this.#options.settings;
    this.#failure = bootError(failure, { ...this.#options, target });
  }

  #zygoteGone(zygote: Zygote, status: string): void {
    this.#zygote = undefined;
    if (this.#retired || this.#closed) return;
    const { log, python } = this.#options;
    const pauseMs = this.#backoff.next(performance.now(), zygote.startedAtMs, false);
    this.#restart = setTimeout(() => this.#startAgain(), pauseMs);
    if (this.#failure !== undefined || !this.proven) {
      const text = `it ended (${status}) before the application was loaded; is ${python} CPython 3.8 or later, which this user may run?`;
      this.#owner.failed(
        this,
        this.#failure ?? new BootError('XGI_WORKER_BOOT', text, { detail: zygote.lastWords }),
      );
    } else {
      log.error(`XGI_ZYGOTE_EXIT: the zygote ${zygote.pid} ended (${status}); another is started`, {
        detail: zygote.lastWords,
      });
    }
  }

  #startAgain(): void {
    try {
      this.#startZygote();
    } catch (error) {
      const againMs = this.#backoff.next(performance.now(), performance.now(), false);
      this.#options.log.error(
        `XGI_WORKER_SPAWN: no zygote can be started: ${(error as Error).message}; tried again in ${againMs / 1000} s`,
      );
      this.#restart = setTimeout(() => this.#startAgain(), againMs);
    }
  }
}
