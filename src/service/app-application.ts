/** A TypeScript application: its module, which is loaded anew by a reload. */
import path from 'node:path';
import { BootError, ConfigError } from '../errors.js';
import { createAppHandler } from '../handlers/app/app.js';
import type { GatewayRequest, Handler } from '../types.js';
import { describeFailure } from '../workers/boot-error.js';
import type { PoolStatus } from '../workers/status.js';
import type { Application } from './application.js';
import { loadModule } from './load-module.js';
import { NO_WORKERS } from './no-workers.js';
import type { ReloadOutcome } from './status.js';

export class AppApplication implements Application {
  readonly handler: Handler = async (request: GatewayRequest) => (await this.#loaded)(request);
  readonly #file: string;
  #loaded: Promise<Handler>;
  #begin: (handler: Promise<Handler>) => void = () => {};
  #generation = 1;

  /** @param file absolute */
  constructor(file: string) {
    this.#file = file;
    // What comes before the start waits for it.
    this.#loaded = new Promise((resolve) => {
      this.#begin = resolve;
    });
    this.#loaded.catch(() => {});
  }

  prepare(): Promise<void> {
    return Promise.resolve();
  }

  /** @throws BootError */
  async start(): Promise<void> {
    const loading = load(this.#file);
    this.#begin(loading);
    await loading;
  }

  /** Requests under way are finished by the code that has begun them. */
  async reload(): Promise<ReloadOutcome> {
    try {
      const handler = await load(this.#file);
      this.#loaded = Promise.resolve(handler);
      this.#generation += 1;
      return { ok: true };
    } catch (error) {
      return { ok: false, failure: describeFailure(error as BootError) };
    }
  }

  scale(): void {
    throw new ConfigError(
      'XGI_CONFIG_VALUE',
      'a TypeScript application has no workers; more processes are started with --gateways, at the start',
    );
  }

  status(): PoolStatus {
    return { ...NO_WORKERS, generation: this.#generation };
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }
}

async function load(file: string): Promise<Handler> {
  let exported: unknown;
  try {
    exported = await loadModule(file);
  } catch (error) {
    const { message, stack } = error instanceof Error ? error : new Error(String(error));
    throw new BootError('XGI_APP_LOAD', `${file} cannot be loaded: ${message}`, {
      cause: error,
      ...(stack === undefined ? {} : { detail: stack }),
    });
  }
  return createAppHandler(exported, path.basename(file));
}
