/** How many gateways there are, and workers, or launchers of programs. */
import { availableParallelism } from 'node:os';
import { DEFAULTS } from './defaults.js';
import type { Kind } from './kinds.js';
import { findProgram } from './python.js';
import { formatWorkerRange } from './units.js';
import { refuse } from './refuse.js';
import type { ResolveContext, ResolvedConfig } from './resolve.js';
import type { ParsedConfig } from './schema.js';
import type { SiteConfig } from './site.js';
import type { WorkerRange } from '../types.js';

export interface ProcessContext {
  readonly directory: string;
  readonly context: ResolveContext;
}

/** More than one gateway can keep busy. */
const MAX_LAUNCHERS = 4;

/** How many start programs for each of so many gateways. */
function launchersFor(gateways: number): number {
  return Math.max(1, Math.min(MAX_LAUNCHERS, Math.floor(availableParallelism() / gateways)));
}

/** Whether there is one that runs launchers. */
export function hasPython(python: string | undefined, { directory, context }: ProcessContext): boolean {
  return python !== undefined || findProgram('python3', directory, context.env['PATH'] ?? '') !== undefined;
}

/** @throws ConfigError */
export function resolveProcesses(
  { workers: range, gateways = DEFAULTS.gateways, python, cgiUser }: ParsedConfig,
  kind: Kind,
  { directory, context }: ProcessContext,
): Pick<ResolvedConfig, 'workers' | 'gateways'> {
  if (cgiUser !== undefined && gateways > 1)
    throw refuse(
      context.nameOf('gateways'),
      `1 with ${context.nameOf('cgiUser')}, as only the first is started by root`,
      gateways,
    );
  if (kind === 'cgi') {
    const launchers = hasPython(python, { directory, context }) ? launchersFor(gateways) : 1;
    return { gateways, workers: { min: gateways * launchers, max: gateways * launchers } };
  }
  if (kind === 'static' || (kind === 'app' && range === undefined))
    return { gateways, workers: { min: 0, max: 0 } };
  if (kind === 'app' && range!.min !== range!.max)
    throw refuse(context.nameOf('workers'), 'a number of threads, not a range', formatWorkerRange(range!));
  const cores = Math.min(availableParallelism(), 1024);
  const workers = range ?? { min: Math.max(cores, gateways), max: Math.max(cores, gateways) };
  if (workers.min >= gateways) return { workers, gateways };
  throw refuse(
    context.nameOf('workers'),
    `${gateways} at least, one for each of ${context.nameOf('gateways')}`,
    workers.min,
  );
}

/** Each application has been seen to have a worker for each gateway. */
export function resolveSiteProcesses(
  { gateways = DEFAULTS.gateways }: ParsedConfig,
  { apps }: SiteConfig,
): Pick<ResolvedConfig, 'workers' | 'gateways'> {
  return { gateways, workers: sumRanges([...apps.values()].map(({ workers }) => workers)) };
}

/** As many as all of them together. */
export function sumRanges(ranges: readonly WorkerRange[]): WorkerRange {
  const sum = (numbers: number[]): number => numbers.reduce((total, number) => total + number, 0);
  return { min: sum(ranges.map(({ min }) => min)), max: sum(ranges.map(({ max }) => max)) };
}
