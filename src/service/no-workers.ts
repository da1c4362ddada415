import type { PoolStatus } from '../workers/status.js';

/** What there is to be told of workers, where there are none. */
export const NO_WORKERS: PoolStatus = {
  generation: 1,
  queue: { waiting: 0, oldestMs: 0 },
  bootFailure: null,
  workers: [],
  totals: {
    requests: 0,
    timeouts: 0,
    queueTimeouts: 0,
    died: 0,
    booted: 0,
    crashed: 0,
    recycled: 0,
  },
};
