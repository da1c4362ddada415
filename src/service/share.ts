/** How the workers of a service are shared among its gateways. */
import type { ResolvedConfig } from '../config/resolve.js';
import type { WorkerRange } from '../types.js';

/** @returns one range for each gateway; they differ by one at the most, and add up to the given one. It has at least one worker for each, or none at all */
export function shareWorkers({ min, max }: WorkerRange, gateways: number): WorkerRange[] {
  return Array.from({ length: gateways }, (_, index) => ({
    min: partOf(min, gateways, index),
    max: partOf(max, gateways, index),
  }));
}

/** Of one gateway. @param index 0 is the first */
export function shareOf(
  { workers, gateways }: Pick<ResolvedConfig, 'workers' | 'gateways'>,
  index: number,
): WorkerRange {
  return shareWorkers(workers, gateways)[index]!;
}

function partOf(total: number, parts: number, index: number): number {
  return Math.floor(total / parts) + (index < total % parts ? 1 : 0);
}
