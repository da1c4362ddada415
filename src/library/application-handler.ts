/**
 * A handler and the application behind it, as a program holds it: its workers, its programs.
 *
 * Life: starts with `start`, or with the first request; serves; ends with `close`, for good. What comes before the start is complete waits for it. A start
 * that has failed is told to every request, until `start` is called again.
 */
import type { UserConfig } from '../config/schema.js';
import { GatewayError } from '../errors.js';
import type { Application } from '../service/application.js';
import type { GatewayRequest, GatewayResponse, Handler } from '../types.js';
import { openLog } from './log.js';
import type { LibraryOptions } from './options.js';

/**
 * A whole application as a handler, with a life of its own: it starts with its first request, or with `start`. Whoever made it closes it;
 * `createServer` does that for those that it is given.
 */
export interface ApplicationHandler extends Handler {
  /**
   * Starts the application, unless it has been started.
   *
   * @throws ConfigError for options that cannot be used, BootError if the application cannot be loaded
   */
  start(): Promise<void>;
  /** Finishes what it was given, within the grace period, and stops. What comes later is answered with 503. */
  close(): Promise<void>;
}

/** @param name of the function that makes it, for messages */
export function createApplicationHandler(
  name: string,
  settings: UserConfig,
  options: LibraryOptions,
): ApplicationHandler {
  const life = new ApplicationLife(name, settings, options);
  return Object.assign((request: GatewayRequest) => life.handle(request), {
    start: () => life.start(),
    close: () => life.close(),
  });
}

interface Started {
  readonly application: Application;
  readonly gracefulTimeoutMs: number;
}

class ApplicationLife {
  readonly #name: string;
  readonly #settings: UserConfig;
  readonly #options: LibraryOptions;
  #handler: Handler | undefined;
  #starting: Promise<Started> | undefined;
  #failed = false;
  #closing: Promise<void> | undefined;

  constructor(name: string, settings: UserConfig, options: LibraryOptions) {
    this.#name = name;
    this.#settings = settings;
    this.#options = options;
  }

  handle(request: GatewayRequest): GatewayResponse | Promise<GatewayResponse> {
    if (this.#closing !== undefined)
      throw new GatewayError(503, 'XGI_STOPPING', 'the application has been closed');
    if (this.#handler !== undefined) return this.#handler(request);
    return this.#begin().then(({ application }) => application.handler(request));
  }

  async start(): Promise<void> {
    if (this.#closing !== undefined)
      throw new GatewayError(503, 'XGI_STOPPING', `${this.#name}: it has been closed; make another`);
    if (this.#failed) this.#starting = undefined;
    await this.#begin();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  #begin(): Promise<Started> {
    if (this.#starting !== undefined) return this.#starting;
    this.#failed = false;
    this.#starting = this.#start();
    this.#starting.then(
      ({ application }) => {
        this.#handler = application.handler;
      },
      () => {
        this.#failed = true;
      },
    );
    return this.#starting;
  }

  async #start(): Promise<Started> {
    const { createApplication } = await import('../service/application.js');
    const { resolveSettings, UNCHANGED } = await import('./configuration.js');
    const { readVersion } = await import('../service/version.js');
    const config = await resolveSettings(this.#settings, this.#name);
    const log = openLog(this.#options);
    const { gracefulTimeoutMs } = config;
    const application = createApplication({
      config,
      index: 0,
      version: readVersion(),
      privileges: UNCHANGED,
      log,
      canChange: false,
    });
    try {
      await application.prepare();
      await application.start();
    } catch (error) {
      await application.stop(0);
      throw error;
    }
    return { application, gracefulTimeoutMs };
  }

  async #close(): Promise<void> {
    const started = await this.#starting?.catch(() => undefined);
    if (started === undefined) return;
    await started.application.stop(started.gracefulTimeoutMs);
  }
}
