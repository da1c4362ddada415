import type { PoolTotals } from './status.js';

/** Before anything has happened. */
export const NO_TOTALS: PoolTotals = {
  requests: 0,
  timeouts: 0,
  queueTimeouts: 0,
  died: 0,
  booted: 0,
  crashed: 0,
  recycled: 0,
};
