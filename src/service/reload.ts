/**
 * One reload, of all gateways:
 *
 *  1. the configuration file is read, once for all. What is wrong with it changes nothing;
 *  2. the certificates are read. They count at once, whatever becomes of the rest;
 *  3. each gateway starts the applications that are new, or configured otherwise, beside those that serve;
 *  4. each loads the code of the others anew;
 *  5. each changes its routes, between two requests.
 *
 * In 3 and 4 the first gateway goes ahead: what it cannot start or load is told once, and no other tries. Whatever fails before 5,
 * in whichever gateway, no routes change in any; what had been started is stopped. The code that 4 has loaded by then stays: that some gateways have it and others
 * have not is a failure of its own, `XGI_RELOAD_PARTIAL`.
 */
import type { ResolvedConfig } from '../config/resolve.js';
import { XgiError } from '../errors.js';
import type { Log } from '../types.js';
import type { ReloadResult } from '../workers/reloads.js';
import type { FailureStatus } from '../workers/status.js';
import type { Gateway } from './gateway.js';

/** A configuration file, as it was read. */
export interface ReadConfig {
  readonly config: ResolvedConfig;
  /** The same error, with the line of the file if it is about one. */
  readonly explain: (error: unknown) => unknown;
}

export interface ReloadOptions {
  readonly local: Gateway;
  /** Those that run when it begins. */
  readonly others: readonly (Gateway & { readonly pid: number | undefined })[];
  /** Reads the configuration file; undefined if there is none. @throws ConfigError */
  readonly reread: (() => Promise<ReadConfig>) | undefined;
  /** Reads the certificates, and has them count. @throws ConfigError */
  readonly secure: () => Promise<void>;
  /** The configuration is the one that counts: called before the routes change. */
  readonly onChange: (config: ResolvedConfig) => void;
  readonly log: Log;
}

export class Reload {
  readonly #options: ReloadOptions;
  #isCancelled = false;
  #isStaging = false;

  constructor(options: ReloadOptions) {
    this.#options = options;
  }

  /** It waits for applications that it starts. */
  get isStaging(): boolean {
    return this.#isStaging;
  }

  /** @returns undefined if it was cancelled */
  async run(): Promise<ReloadResult<FailureStatus> | undefined> {
    try {
      const read = await this.#options.reread?.();
      await this.#secure();
      this.#isStaging = true;
      if (read !== undefined) await this.#stage(read);
      this.#isStaging = false;
      await this.#loadCode();
      if (this.#isCancelled) return undefined;
      if (read !== undefined) await this.#apply(read.config);
      return 'reloaded';
    } catch (error) {
      if (this.#isCancelled) return undefined;
      this.#discard();
      const failure = error instanceof Failed ? error.failure : describe(error);
      this.#tell(error, failure);
      return failure;
    }
  }

  /** What it has started is stopped. */
  cancel(): void {
    if (this.#isCancelled) return;
    this.#isCancelled = true;
    this.#discard();
  }

  async #secure(): Promise<void> {
    if (this.#isCancelled) return;
    try {
      await this.#options.secure();
    } catch (error) {
      throw new Failed(describe(error), 'the certificates from before stay, and nothing is reloaded');
    }
  }

  async #stage({ config, explain }: ReadConfig): Promise<void> {
    const { local, others } = this.#options;
    if (this.#isCancelled) return;
    try {
      await local.stage(config);
    } catch (error) {
      throw explain(error);
    }
    if (this.#isCancelled) return;
    await Promise.all(
      others.map((gateway) =>
        gateway.stage(config).catch((error) => Promise.reject(ofGateway(gateway, error))),
      ),
    );
  }

  async #loadCode(): Promise<void> {
    const { local, others } = this.#options;
    if (this.#isCancelled) return;
    const first = await local.reload();
    if (!first.ok) throw new Failed(first.failure);
    if (this.#isCancelled) return;
    const failures = await Promise.all(others.map(reloadOther));
    const failure = failures.find((found) => found !== undefined);
    if (failure !== undefined) throw new Failed(partial(failure));
  }

  async #apply(config: ResolvedConfig): Promise<void> {
    const { local, others, onChange } = this.#options;
    onChange(config);
    await local.apply();
    // One that has ended meanwhile is replaced by one with the new configuration.
    await Promise.allSettled(others.map((gateway) => gateway.apply()));
  }

  #discard(): void {
    const { local, others, reread } = this.#options;
    if (reread === undefined) return;
    for (const gateway of [local, ...others]) gateway.discard();
  }

  /** Of code that cannot be loaded, the application has told the log. What is partial is told where the reload was asked for. */
  #tell(error: unknown, { code, message, traceback }: FailureStatus): void {
    const { log, reread } = this.#options;
    const detail = error instanceof Failed || traceback === '' ? {} : { detail: traceback };
    if (error instanceof Failed && error.consequence !== undefined)
      log.error(`${code}: ${message}; ${error.consequence}`);
    else if (reread !== undefined && code !== PARTIAL)
      log.error(`XGI_RELOAD_CONFIG: ${whatStays(error)}: ${code}: ${message}`, detail);
  }
}

const PARTIAL = 'XGI_RELOAD_PARTIAL';

/** Of several applications some may have loaded their code before. */
function whatStays(error: unknown): string {
  return error instanceof Failed
    ? 'the old configuration goes on, and the old code of what could not be loaded'
    : 'nothing is changed, the old configuration goes on';
}

/** A step that has come to its end without success. */
class Failed extends Error {
  readonly failure: FailureStatus;
  readonly consequence: string | undefined;

  constructor(failure: FailureStatus, consequence?: string) {
    super(failure.message);
    this.failure = failure;
    this.consequence = consequence;
  }
}

async function reloadOther(gateway: ReloadOptions['others'][number]): Promise<FailureStatus | undefined> {
  try {
    const outcome = await gateway.reload();
    return outcome.ok ? undefined : outcome.failure;
  } catch (error) {
    return describe(ofGateway(gateway, error));
  }
}

function ofGateway({ pid }: ReloadOptions['others'][number], error: unknown): XgiError {
  const { code, message, traceback } = describe(error);
  return new XgiError(code as XgiError['code'], `gateway ${pid}: ${message}`, { detail: traceback });
}

function partial({ code, message, traceback }: FailureStatus): FailureStatus {
  return {
    code: PARTIAL,
    message: `some gateways have the new code, others keep the old one; reload again, with code that all can load: ${code}: ${message}`,
    traceback,
  };
}

function describe(error: unknown): FailureStatus {
  if (error instanceof XgiError)
    return { code: error.code, message: error.message, traceback: error.detail ?? '' };
  const { message, stack = '' } = error as Error;
  return { code: 'XGI_INTERNAL', message, traceback: stack };
}
