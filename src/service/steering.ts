/** The service as signals and the control socket steer it: what state it is in, and what may be done in it. */
import { ConfigError } from '../errors.js';
import type { Log, WorkerRange } from '../types.js';
import type { Notifier } from '../process/notify.js';
import { formatWorkerRange, MAX_WORKERS } from '../config/units.js';
import type { Steered } from './control-routes.js';
import type { Gateways } from './gateways.js';
import type { GatewayStatus, ReloadOutcome, ServiceState, ServiceStatus } from './status.js';

export interface SteeringOptions {
  readonly gateways: Gateways;
  readonly gatewayCount: number;
  readonly version: string;
  readonly target: string;
  readonly log: Log;
  readonly notifier: Notifier | undefined;
  readonly stop: (quick: boolean) => void;
}

const STOPPING = { code: 'XGI_STOPPING', message: 'the server is being stopped', traceback: '' };

export class Steering implements Steered {
  /** Where clients connect to. */
  listening: readonly string[] = [];
  readonly #options: SteeringOptions;
  readonly #startedAtMs = performance.now();
  #state: 'starting' | 'running' | 'stopping' = 'starting';
  #reloads = 0;
  #lastReload: ServiceStatus['lastReload'] = null;

  constructor(options: SteeringOptions) {
    this.#options = options;
  }

  /** The workers have booted, and it accepts. */
  serving(): void {
    this.#state = 'running';
    const seconds = ((performance.now() - this.#startedAtMs) / 1000).toFixed(2);
    this.#options.log.info(`Ready after ${seconds} s`);
    this.#options.notifier?.ready(`Serving ${this.#options.target} at ${this.listening.join(', ')}`);
  }

  get isServing(): boolean {
    return this.#state === 'running';
  }

  /** From now on it is not ready; requests are still answered. */
  stopping(): void {
    this.#state = 'stopping';
  }

  async status(): Promise<ServiceStatus> {
    const { version, gateways } = this.#options;
    const statuses = await gateways.status();
    return {
      version,
      pid: process.pid,
      state: this.#stateOf(statuses),
      uptimeMs: Math.round(performance.now() - this.#startedAtMs),
      target: this.#target,
      listening: this.listening,
      workers: gateways.workers,
      lastReload: this.#lastReload,
      gateways: statuses,
    };
  }

  /** A reload may have brought other applications. */
  get #target(): string {
    const names = [...this.#options.gateways.applications.keys()].filter((name) => name !== '');
    return names.length === 0 ? this.#options.target : names.join(', ');
  }

  #stateOf(gateways: readonly GatewayStatus[]): ServiceState {
    if (this.#state !== 'running') return this.#state;
    if (!gateways.every((gateway) => this.#serves(gateway))) return 'failing';
    return this.#reloads > 0 ? 'reloading' : 'ready';
  }

  /** Every application: one with workers left would say nothing of the others. */
  #serves({ workers }: GatewayStatus): boolean {
    const ready = workers.filter(({ state }) => state === 'ready');
    // Where there are to be none, as with static files, none is missing.
    return [...this.#options.gateways.applications].every(
      ([name, { max }]) => max === 0 || ready.some(({ application = '' }) => application === name),
    );
  }

  async reload(): Promise<ReloadOutcome> {
    const { log, gateways, notifier } = this.#options;
    const beganAtMs = performance.now();
    if (this.#state === 'stopping') return { ok: false, failure: STOPPING };
    if (this.#reloads++ === 0 && this.#state === 'running') notifier?.reloading();
    const outcome = await gateways.reload().finally(() => this.#reloads--);
    this.#lastReload = { at: new Date().toISOString(), ...outcome };
    const seconds = ((performance.now() - beganAtMs) / 1000).toFixed(2);
    if (outcome.ok) log.info(`Reloaded in ${seconds} s`);
    else if (outcome.failure.code === 'XGI_RELOAD_PARTIAL')
      log.error(`${outcome.failure.code}: ${outcome.failure.message}`);
    const status = outcome.ok ? 'Reloaded' : `Reload failed, the old code serves: ${outcome.failure.code}`;
    if (this.#reloads === 0 && this.#state === 'running') notifier?.ready(status);
    return outcome;
  }

  scale(workers: WorkerRange, application?: string): void {
    const { gatewayCount, gateways, log } = this.#options;
    if (workers.min < gatewayCount || workers.max < workers.min || workers.max > MAX_WORKERS) {
      throw new ConfigError(
        'XGI_CONFIG_VALUE',
        `workers: expected ${gatewayCount} to ${MAX_WORKERS}, one for each gateway at least, received ${formatWorkerRange(workers)}`,
      );
    }
    gateways.scale(workers, application);
    log.info(
      `Workers${application === undefined ? '' : ` of ${application}`}: ${formatWorkerRange(workers)}`,
    );
  }

  /** One worker more, or one less: both ends of the range move. As far as that can be. */
  scaleBy(step: 1 | -1): void {
    const { min, max } = this.#options.gateways.workers;
    try {
      this.scale({ min: min + step, max: max + step });
    } catch (error) {
      this.#options.log.warn((error as Error).message);
    }
  }

  reopenLogs(): void {
    this.#options.gateways.reopenLogs();
  }

  stop(quick: boolean): void {
    this.#options.stop(quick);
  }
}
