/**
 * The gateways of a service: the one in this process, which owns the sockets, and those in processes of their own, which have
 * inherited them. A process that ends is replaced; what it was doing is lost, as nobody else has its connections.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Privileges } from '../process/privileges.js';
import type { ResolvedConfig } from '../config/resolve.js';
import { sumRanges } from '../config/processes.js';
import type { XgiError } from '../errors.js';
import { describeCertificates, type TlsMaterial } from '../server/tls/material.js';
import type { Endpoint, Log, WorkerRange } from '../types.js';
import { Backoff } from '../workers/backoff.js';
import type { Inheritance } from './child-task.js';
import type { Gateway } from './gateway.js';
import { GatewayProcess } from './gateway-process.js';
import type { LocalGateway } from './local-gateway.js';
import { Reloads } from '../workers/reloads.js';
import type { FailureStatus } from '../workers/status.js';
import { type ReadConfig, Reload } from './reload.js';
import { shareWorkers } from './share.js';
import { isSameConfig, siteOf } from './site-application.js';
import type { GatewayStatus, ReloadOutcome } from './status.js';

export interface GatewaysOptions {
  readonly local: LocalGateway;
  readonly config: ResolvedConfig;
  readonly version: string;
  readonly privileges: Privileges;
  /** The environment that the user has started this process with. */
  readonly env: Readonly<NodeJS.ProcessEnv>;
  readonly cwd: string;
  readonly onFiles: (paths: readonly string[]) => void;
  /** Reads the configuration file again; undefined if there is none. @throws ConfigError if it cannot be used */
  readonly reread: (() => Promise<ReadConfig>) | undefined;
  /** Reads the certificates; null if there is no TLS. @throws ConfigError `XGI_TLS_*` */
  readonly loadTls: () => Promise<TlsMaterial | null>;
  readonly log: Log;
}

/** What a gateway that hangs may hold up `xgi status`. */
const STATUS_MS = 2000;
const MIN_RETRY_MS = 100;

const STOPPING = { code: 'XGI_STOPPING', message: 'the server is being stopped', traceback: '' };

export class Gateways {
  readonly #options: GatewaysOptions;
  readonly #local: LocalGateway;
  /** One for each but the local one; undefined while it is being replaced. */
  readonly #others: (GatewayProcess | undefined)[];
  readonly #backoff = new Backoff();
  readonly #restarts = new Set<NodeJS.Timeout>();
  /** The one that counts: a gateway that is started later has it too. */
  #config: ResolvedConfig;
  /** How many workers each application has in all gateways; by its name, '' for one alone. */
  #applications: ReadonlyMap<string, WorkerRange>;
  readonly #reloads: Reloads<FailureStatus>;
  #reload: Reload | undefined;
  /** What the others are started with. */
  #inheritance: Inheritance = { fds: [], endpoints: [] };
  /** For those that are started later. */
  #tls: TlsMaterial | null = null;
  #started = false;
  #stopping = false;

  constructor(options: GatewaysOptions) {
    this.#options = options;
    this.#local = options.local;
    this.#config = options.config;
    this.#applications = rangesOf(options.config);
    this.#others = Array.from({ length: options.config.gateways - 1 }, () => undefined);
    this.#reloads = new Reloads({
      begin: () => void this.#reloadNow(),
      givenUp: (afterMs) => {
        // Of code that is loaded anew, the application tells it.
        if (this.#reload?.isStaging === true)
          options.log.warn(
            `XGI_RELOAD_HANGS: an application is not started after ${Math.round(afterMs / 1000)} s, and the reload given up for the next one`,
          );
      },
    });
  }

  /** Of all applications together. */
  get workers(): WorkerRange {
    return sumRanges([...this.#applications.values()]);
  }

  /** How many workers each application has in all gateways; by its name, '' for one alone. */
  get applications(): ReadonlyMap<string, WorkerRange> {
    return this.#applications;
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

  /** As reload.ts says, of all gateways. Those who ask during one share the next; one that hangs is given up for it. */
  async reload(): Promise<ReloadOutcome> {
    const result = await this.#reloads.ask();
    return result === 'reloaded' ? { ok: true } : { ok: false, failure: result };
  }

  async #reloadNow(): Promise<void> {
    const { reread, log } = this.#options;
    this.#reload?.cancel();
    const others = this.#running;
    const reload = new Reload({
      local: this.#local,
      others,
      reread,
      secure: () => this.secure(),
      onChange: (config) => this.#change(config, others),
      log,
    });
    this.#reload = reload;
    const result = await reload.run();
    if (result === undefined) return;
    this.#reload = undefined;
    this.#reloads.finish(result);
  }

  /** @param staged those that are about to have it */
  #change(config: ResolvedConfig, staged: readonly GatewayProcess[]): void {
    const before = siteOf(this.#config).apps;
    const ranges = [...siteOf(config).apps].map(([name, app]): [string, WorkerRange] => {
      const old = before.get(name);
      const isKept = old !== undefined && isSameConfig(old, app);
      return [name, isKept ? this.#applications.get(name)! : app.workers];
    });
    this.#config = config;
    this.#applications = new Map(ranges);
    // Started meanwhile, with the old one: others take their place.
    for (const gateway of this.#running) if (!staged.includes(gateway)) gateway.kill();
  }

  /** @throws ConfigError if the application has no workers, or there are several and none is named */
  scale(workers: WorkerRange, application?: string): void {
    const shares = shareWorkers(workers, this.#config.gateways);
    this.#local.scale(shares[0]!, application);
    for (const [index, gateway] of this.#others.entries()) gateway?.scale(shares[index + 1]!, application);
    const [only] = this.#applications.keys();
    this.#applications = new Map(this.#applications).set(application ?? only!, workers);
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
    this.#reload?.cancel();
    this.#reloads.finish(STOPPING);
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
    const { privileges, version, env, cwd, onFiles, reread } = this.#options;
    const config = this.#config;
    const startedAtMs = performance.now();
    const gateway = new GatewayProcess({
      task: { config, index, privileges, version, canChange: reread !== undefined },
      env,
      cwd,
      inheritance: this.#inheritance,
      onFiles,
      onExit: (status) => this.#lost(index, status, startedAtMs),
    });
    for (const [name, range] of this.#scaled)
      gateway.scale(shareWorkers(range, config.gateways)[index]!, name);
    this.#others[index - 1] = gateway;
    return gateway;
  }

  /** What `xgi scale` has changed since the configuration was read. */
  get #scaled(): [string, WorkerRange][] {
    const { apps } = siteOf(this.#config);
    return [...this.#applications].filter(
      ([name, range]) => !isDeepStrictEqual(apps.get(name)?.workers, range),
    );
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

function rangesOf(config: ResolvedConfig): Map<string, WorkerRange> {
  return new Map([...siteOf(config).apps].map(([name, { workers }]) => [name, workers]));
}
