/**
 * The gateways of a service: the one in this process, which owns the sockets, and those in processes of their own, which have
 * inherited them. A process that ends is replaced; what it was doing is lost, as nobody else has its connections.
 */
import type { Privileges } from '../process/privileges.js';
import type { XgiError } from '../errors.js';
import { describeCertificates, type TlsMaterial } from '../server/tls/material.js';
import type { Endpoint, Log, WorkerRange } from '../types.js';
import { Backoff } from '../workers/backoff.js';
import type { Inheritance } from './child-task.js';
import type { Gateway } from './gateway.js';
import { GatewayProcess } from './gateway-process.js';
import type { LocalGateway } from './local-gateway.js';
import type { FailureStatus } from '../workers/status.js';
import type { GatewayStatus, ReloadOutcome } from './status.js';
import { shareWorkers } from './share.js';

export interface GatewaysOptions {
  readonly local: LocalGateway;
  /** All, the local one included. */
  readonly count: number;
  readonly workers: WorkerRange;
  readonly privileges: Privileges;
  /** The environment that the user has started this process with. */
  readonly env: Readonly<NodeJS.ProcessEnv>;
  readonly cwd: string;
  readonly onFiles: (paths: readonly string[]) => void;
  /** Reads the certificates; null if there is no TLS. @throws ConfigError `XGI_TLS_*` */
  readonly loadTls: () => Promise<TlsMaterial | null>;
  readonly log: Log;
}

/** What a gateway that hangs may hold up `xgi status`. */
const STATUS_MS = 2000;
const MIN_RETRY_MS = 100;

export class Gateways {
  readonly #options: GatewaysOptions;
  readonly #local: LocalGateway;
  /** One for each but the local one; undefined while it is being replaced. */
  readonly #others: (GatewayProcess | undefined)[];
  readonly #backoff = new Backoff();
  readonly #restarts = new Set<NodeJS.Timeout>();
  #workers: WorkerRange;
  /** What the others are started with. */
  #inheritance: Inheritance = { fds: [], endpoints: [] };
  /** For those that are started later. */
  #tls: TlsMaterial | null = null;
  #started = false;
  #stopping = false;

  constructor(options: GatewaysOptions) {
    this.#options = options;
    this.#local = options.local;
    this.#workers = options.workers;
    this.#others = Array.from({ length: options.count - 1 }, () => undefined);
  }

  get workers(): WorkerRange {
    return this.#workers;
  }

  /**
   * Boots the workers of all. The others begin to accept at once, from the sockets of the local one; or with `listen`, if these
   * are to come from somewhere else.
   *
   * @throws BootError if the application cannot be loaded
   */
  async start(from?: Inheritance): Promise<void> {
    this.#inheritance = from ?? this.#local.inheritance;
    const others = this.#others.map((_, index) => this.#spawn(index + 1));
    const listening = from === undefined ? others.map((gateway) => this.#listen(gateway)) : [];
    await Promise.all([this.#local.start(), ...listening, ...others.map((gateway) => gateway.start())]);
    this.#started = true;
  }

  /**
   * Reads the certificates, for all that begin to accept later, and for new connections of those that do already. One process reads them for
   * all: the others may not be allowed to, and all are to have the same.
   *
   * @throws ConfigError `XGI_TLS_*`: nothing has changed
   */
  async secure(): Promise<void> {
    const tls = await this.#options.loadTls();
    this.#tls = tls;
    if (tls === null) return;
    this.#local.secure(tls);
    this.#options.log.info(`Certificates: ${describeCertificates(tls)}`);
    // One that ends meanwhile is replaced by one that is given them.
    await Promise.allSettled(this.#running.map((gateway) => gateway.secure(tls)));
  }

  /** Begins to accept, in all processes. */
  async listen(endpoints: readonly Endpoint[]): Promise<readonly string[]> {
    const urls = await this.#local.listen(endpoints);
    await Promise.all(this.#running.map((gateway) => this.#listen(gateway)));
    return urls;
  }

  /**
   * The certificates first, which count at once, whatever becomes of the code. The local one proves the code; if it fails, the others keep the old one too. Code that it can load and another cannot leaves both
   * versions serving: that is a failure of its own, `XGI_RELOAD_PARTIAL`.
   */
  async reload(): Promise<ReloadOutcome> {
    try {
      await this.secure();
    } catch (error) {
      const { code, message } = error as XgiError;
      this.#options.log.error(
        `${code}: ${message}; the certificates from before stay, and nothing is reloaded`,
      );
      return { ok: false, failure: { code, message, traceback: '' } };
    }
    const first = await this.#local.reload();
    if (!first.ok) return first;
    const outcomes = await Promise.all(this.#running.map(reloadOther));
    const failed = outcomes.find((outcome) => !outcome.ok);
    return failed === undefined ? first : { ok: false, failure: partial(failed.failure) };
  }

  /** @throws ConfigError if the application has no workers */
  scale(workers: WorkerRange, application?: string): void {
    if (application !== undefined) {
      // Of a site, which is not shared among gateways.
      this.#local.scale(workers, application);
      return;
    }
    const shares = shareWorkers(workers, this.#options.count);
    this.#local.scale(shares[0]!);
    this.#workers = workers;
    for (const [index, gateway] of this.#others.entries()) gateway?.scale(shares[index + 1]!);
  }

  async status(): Promise<GatewayStatus[]> {
    const all: Gateway[] = [this.#local, ...this.#running];
    const statuses = await Promise.allSettled(all.map((gateway) => within(STATUS_MS, gateway.status())));
    // One that has just died, or hangs, is not there.
    return statuses.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  }

  reopenLogs(): void {
    this.#local.reopenLogs();
    for (const gateway of this.#running) gateway.reopenLogs();
  }

  async stop(graceMs: number, handedOver: boolean): Promise<void> {
    this.#stopping = true;
    for (const restart of this.#restarts) clearTimeout(restart);
    const all: Gateway[] = [this.#local, ...this.#running];
    await Promise.all(all.map((gateway) => gateway.stop(graceMs, handedOver)));
  }

  /** Ends all at once, whatever a `stop` is waiting for. */
  async kill(): Promise<void> {
    for (const gateway of this.#running) gateway.kill();
    await this.#local.kill();
  }

  async #listen(gateway: GatewayProcess): Promise<void> {
    if (this.#tls !== null) await gateway.secure(this.#tls);
    await gateway.listen();
  }

  get #running(): GatewayProcess[] {
    return this.#others.filter((gateway) => gateway !== undefined);
  }

  #spawn(index: number): GatewayProcess {
    const { privileges, env, cwd, onFiles, count } = this.#options;
    const startedAtMs = performance.now();
    const gateway = new GatewayProcess({
      workers: shareWorkers(this.#workers, count)[index]!,
      privileges,
      env,
      cwd,
      inheritance: this.#inheritance,
      onFiles,
      onExit: (status) => this.#lost(index, status, startedAtMs),
    });
    this.#others[index - 1] = gateway;
    return gateway;
  }

  #replace(index: number): void {
    try {
      void this.#join(this.#spawn(index));
    } catch (error) {
      // Out of memory, or of processes: the other gateways go on.
      const nowMs = performance.now();
      const pauseMs = Math.max(this.#backoff.next(nowMs, nowMs, false), MIN_RETRY_MS);
      this.#options.log.error(
        `XGI_GATEWAY_START: no gateway can be started: ${(error as Error).message}; tried again in ${pauseMs / 1000} s`,
      );
      this.#replaceIn(index, pauseMs);
    }
  }

  #replaceIn(index: number, pauseMs: number): void {
    const restart = setTimeout(() => {
      this.#restarts.delete(restart);
      this.#replace(index);
    }, pauseMs);
    this.#restarts.add(restart);
  }

  #lost(index: number, status: string, startedAtMs: number): void {
    const gateway = this.#others[index - 1];
    this.#others[index - 1] = undefined;
    // At the start, the call that waits for it has failed.
    if (this.#stopping || !this.#started) return;
    const pauseMs = this.#backoff.next(performance.now(), startedAtMs, false);
    this.#options.log.error(
      `XGI_GATEWAY_EXIT: gateway ${gateway?.pid} ended (${status}); another is started${pauseMs > 0 ? ` in ${pauseMs / 1000} s` : ''}`,
    );
    this.#replaceIn(index, pauseMs);
  }

  /** Its workers first: the others accept meanwhile, and go on doing so if the code cannot be loaded any more. */
  async #join(gateway: GatewayProcess): Promise<void> {
    try {
      await gateway.start();
      if (!this.#stopping) await this.#listen(gateway);
    } catch (error) {
      // One that has ended is told of by `#lost`.
      if (this.#stopping || !this.#running.includes(gateway)) return;
      const { message, detail } = error as XgiError;
      this.#options.log.error(`XGI_GATEWAY_START: gateway ${gateway.pid}: ${message}`, { detail });
      await gateway.stop(0, false);
    }
  }
}

/** @throws if it takes longer */
async function within<T>(limitMs: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer in ${limitMs / 1000} s`)), limitMs);
  });
  return await Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

function partial({ code, message, traceback }: FailureStatus): FailureStatus {
  return {
    code: 'XGI_RELOAD_PARTIAL',
    message: `some gateways have the new code, others keep the old one; reload again, with code that all can load: ${code}: ${message}`,
    traceback,
  };
}

async function reloadOther(gateway: GatewayProcess): Promise<ReloadOutcome> {
  try {
    return await gateway.reload();
  } catch (error) {
    const { code = 'XGI_GATEWAY_EXIT', message } = error as Partial<XgiError> & Error;
    return { ok: false, failure: { code, message: `gateway ${gateway.pid}: ${message}`, traceback: '' } };
  }
}
