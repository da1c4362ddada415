import { NO_TOTALS } from '../workers/no-totals.js';
import type { PoolStatus } from '../workers/status.js';

/** What there is to be told of workers, where there are none. */
export const NO_WORKERS: PoolStatus = {
  generation: 1,
  queue: { waiting: 0, oldestMs: 0 },
  bootFailure: null,
  workers: [],
  totals: NO_TOTALS,
};
