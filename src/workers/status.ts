/** What can be seen of workers from outside: the shapes of `xgi status --json`. Times are milliseconds, sizes bytes. */

export interface PoolStatus {
  /** Counts reloads: the code that new workers get. */
  readonly generation: number;
  readonly queue: QueueStatus;
  /** Why the last worker that was started could not load the application; null when one has loaded it since. */
  readonly bootFailure: FailureStatus | null;
  readonly workers: readonly WorkerStatus[];
  readonly totals: PoolTotals;
}

/** Why the application cannot be loaded. */
export interface FailureStatus {
  /** `XGI_APP_RAISED` */
  readonly code: string;
  readonly message: string;
  /** '' if there is none. */
  readonly traceback: string;
}

export interface QueueStatus {
  /** Requests that wait for a worker. */
  readonly waiting: number;
  /** How long the first of them has waited; 0 if there is none. */
  readonly oldestMs: number;
}

/** `booting` loads the application; `draining` gets no further request. */
export type WorkerState = 'booting' | 'ready' | 'draining';

export interface WorkerStatus {
  /** null if the process could not be started. */
  readonly pid: number | null;
  /** Its number, if it is a thread of that process. */
  readonly thread?: number;
  readonly state: WorkerState;
  /** Whose it is, where there are several. */
  readonly application?: string;
  readonly generation: number;
  readonly ageMs: number;
  /** Requests that have left it. */
  readonly requests: number;
  /** Resident memory; null where the system does not tell. */
  readonly rssBytes: number | null;
  /** The requests that it runs. */
  readonly running: readonly RunningRequest[];
  /** Requests that were sent ahead and wait inside it. */
  readonly ahead: number;
}

export interface RunningRequest {
  /** As in the logs. */
  readonly id: string;
  readonly method: string;
  readonly path: string;
  /** Since it was seen to be running, or since its last sign of progress. */
  readonly runningMs: number;
}

/** Counted since the start of the gateway. */
export interface PoolTotals {
  /** Requests that have left a worker. */
  readonly requests: number;
  /** Requests that ended with 504. */
  readonly timeouts: number;
  /** Requests that ended with 503 because no worker was free in time. */
  readonly queueTimeouts: number;
  /** Requests that were running in a worker that died. */
  readonly died: number;
  /** Workers that were started. */
  readonly booted: number;
  /** Workers that ended without having been told to. */
  readonly crashed: number;
  /** Workers that were replaced for their requests, age or memory. */
  readonly recycled: number;
}
