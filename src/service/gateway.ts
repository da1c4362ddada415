/** What can be asked of one gateway, be it this process or another. */
import type { ResolvedConfig } from '../config/resolve.js';
import type { Endpoint, WorkerRange } from '../types.js';
import type { GatewayStatus, ReloadOutcome } from './status.js';

export interface Gateway {
  /** Begins to accept. @throws ListenError */
  listen(endpoints: readonly Endpoint[]): Promise<readonly string[]>;
  /** Boots the workers. @throws BootError if the application cannot be loaded */
  start(): Promise<void>;
  /** Starts what that configuration has and the present one has not; nothing that serves changes. @throws BootError, ConfigError */
  stage(config: ResolvedConfig): Promise<void>;
  /** Loads the code anew of what serves, and goes on with what is staged. */
  reload(): Promise<ReloadOutcome>;
  /** What is staged takes the place of what serves. */
  apply(): void | Promise<void>;
  /** What is staged is stopped. */
  discard(): void;
  /** @param workers of one application: the share of this gateway. @throws ConfigError if that cannot be */
  scale(workers: WorkerRange, application?: string): void;
  status(): Promise<GatewayStatus>;
  reopenLogs(): void;
  /** Stops accepting, then the connections and the workers. `handedOver`: other processes go on accepting from the same sockets. */
  stop(graceMs: number, handedOver: boolean): Promise<void>;
}
