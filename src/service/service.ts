/**
 * One running xgi as those see it who steer it: signals, the control socket, systemd. One gateway in this process, or several
 * in processes of their own, are the same to them.
 */
import type { WorkerRange } from '../types.js';
import type { PoolStatus } from '../workers/status.js';

export interface Service {
  /** Boots the workers. @throws BootError if the application cannot be loaded */
  start(): Promise<void>;
  /** New workers with the code as it is now take the place of the old ones. Calls during a reload make one more reload. */
  reload(): Promise<ReloadOutcome>;
  /** @throws ConfigError `XGI_CONFIG_VALUE` if that cannot be */
  scale(workers: WorkerRange): void;
  /** Of all gateways together. */
  readonly workers: WorkerRange;
  status(): Promise<GatewayStatus[]>;
  /** Opens the log files again. */
  reopenLogs(): void;
}

/** What became of a reload. `failure` is why the old code goes on serving. */
export type ReloadOutcome = { readonly ok: true } | { readonly ok: false; readonly failure: FailureStatus };

export interface FailureStatus {
  /** `XGI_APP_RAISED` */
  readonly code: string;
  readonly message: string;
  /** '' if there is none. */
  readonly traceback: string;
}

export interface GatewayStatus extends PoolStatus {
  readonly pid: number;
  /** Open client connections. */
  readonly connections: number;
}

/** The life of a service. Only 'ready' and 'reloading' take requests with a prospect. */
export type ServiceState = 'starting' | 'ready' | 'reloading' | 'stopping';

/** What `xgi status --json` prints. Times are milliseconds, sizes bytes. */
export interface ServiceStatus {
  readonly version: string;
  readonly pid: number;
  readonly state: ServiceState;
  readonly uptimeMs: number;
  readonly target: string;
  readonly listening: readonly string[];
  readonly workers: WorkerRange;
  /** The last reload; null if there was none. `at` is an ISO 8601 time. */
  readonly lastReload: ({ readonly at: string } & ReloadOutcome) | null;
  readonly gateways: readonly GatewayStatus[];
}
