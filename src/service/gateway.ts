/** What can be asked of one gateway, be it this process or another. */
import type { Endpoint, WorkerRange } from '../types.js';
import type { GatewayStatus, ReloadOutcome } from './status.js';

export interface Gateway {
  /** Begins to accept. @throws ListenError */
  listen(endpoints: readonly Endpoint[]): Promise<readonly string[]>;
  /** Boots the workers. @throws BootError if the application cannot be loaded */
  start(): Promise<void>;
  reload(): Promise<ReloadOutcome>;
  scale(workers: WorkerRange, application?: string): void;
  status(): Promise<GatewayStatus>;
  reopenLogs(): void;
  /** Stops accepting, then the connections and the workers. `handedOver`: other processes go on accepting from the same sockets. */
  stop(graceMs: number, handedOver: boolean): Promise<void>;
}
