/** What can be seen of a running xgi from outside: the shapes of `xgi status --json` and of the answers over the control socket. */
import type { WorkerRange } from '../types.js';
import type { FailureStatus, PoolStatus } from '../workers/status.js';

/** What became of a reload. `failure` is why the old code goes on serving. */
export type ReloadOutcome = { readonly ok: true } | { readonly ok: false; readonly failure: FailureStatus };

export interface GatewayStatus extends PoolStatus {
  readonly pid: number;
  /** Open client connections. */
  readonly connections: number;
  /** All that it has read since its start, of files and redirects too, which no worker sees. */
  readonly requests: number;
}

/**
 * The life of a service. Only 'ready' and 'reloading' take requests with a prospect: 'failing' is a gateway in which an
 * application has no worker that has loaded it.
 */
export type ServiceState = 'starting' | 'ready' | 'reloading' | 'failing' | 'stopping';

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
