/** Whether the addresses of a configuration can be listened on; and if not, who has them and what to do. */
import { readFileSync, readlinkSync } from 'node:fs';
import type { ResolvedConfig } from '../config/resolve.js';
import { ConfigError, ListenError } from '../errors.js';
import { CONTROLS, createEscape } from '../observe/escape.js';
import { type ListeningProcess, processesOnPath, processesOnPort } from '../process/listening-processes.js';
import { nameOf } from '../server/listen-failure.js';
import { probeEndpoint } from '../server/listen-probe.js';
import type { Endpoint } from '../types.js';
import { SteerError } from './steer-error.js';
import { findXgi, type FoundXgi } from './steer-find.js';

const escapeLine = createEscape(CONTROLS);

/**
 * Disturbs nobody who listens.
 *
 * @returns a sentence for each address that an xgi of this same configuration has: a start would fail, a reload not
 * @throws ConfigError with the code of the ListenError
 */
export async function checkEndpoints(config: ResolvedConfig): Promise<string[]> {
  const served: string[] = [];
  for (const endpoint of config.endpoints) {
    try {
      await probeEndpoint(endpoint);
    } catch (error) {
      if (!(error instanceof ListenError)) throw error;
      if (error.code !== 'XGI_LISTEN_IN_USE') throw new ConfigError(error.code, error.message);
      served.push(await explainUse(endpoint, config));
    }
  }
  return served;
}

/** @throws ConfigError unless it is ours */
async function explainUse(endpoint: Endpoint, config: ResolvedConfig): Promise<string> {
  const holders = holdersOf(endpoint);
  const name = nameOf(endpoint);
  const own = await findOwn(config, holders);
  if (own !== undefined)
    return `${name} is served by process ${own}, which has this configuration: xgi reload`;
  const who = await describe(holders);
  throw new ConfigError(
    'XGI_LISTEN_IN_USE',
    `${name}: the address is in use by ${who}; stop it or choose another with --bind`,
  );
}

function holdersOf(endpoint: Endpoint): readonly ListeningProcess[] {
  switch (endpoint.kind) {
    case 'tcp':
      return processesOnPort(endpoint.port);
    case 'unix':
      return processesOnPath(endpoint.path);
    case 'fd':
      return [];
  }
}

/** The process of the pid file; or that answers at the control socket; or, if neither is named, one that was started here, for the same target. */
async function findOwn(
  { controlSocket, pidFile, target }: ResolvedConfig,
  holders: readonly ListeningProcess[],
): Promise<number | undefined> {
  const isHolder = (pid: number | undefined): boolean => holders.some((holder) => holder.pid === pid);
  const written = pidFile === null ? undefined : readPid(pidFile);
  if (isHolder(written)) return written;
  if (controlSocket !== null && controlSocket !== 'default') {
    const found = await findOrNone({ controlSocket });
    return isHolder(found?.pid) ? found?.pid : undefined;
  }
  for (const { pid } of holders) {
    const found = await findOrNone({ pid });
    if (found === undefined || found.told instanceof SteerError) continue;
    if (found.told.status.target === target && folderOf(pid) === process.cwd()) return pid;
  }
  return undefined;
}

async function describe(holders: readonly ListeningProcess[]): Promise<string> {
  if (holders.length === 0) return 'a process that this user cannot see (sudo ss -ltnp names it)';
  for (const { pid } of holders) {
    const found = await findOrNone({ pid });
    if (found !== undefined && !(found.told instanceof SteerError))
      return `xgi (process ${pid}), which serves ${escapeLine(found.told.status.target)}`;
  }
  return holders.map(({ pid, name }) => `${escapeLine(name)} (process ${pid})`).join(', ');
}

/** One that is not there, or one of several, is none. */
async function findOrNone(wanted: { pid?: number; controlSocket?: string }): Promise<FoundXgi | undefined> {
  try {
    return await findXgi({ pid: wanted.pid, controlSocket: wanted.controlSocket });
  } catch (error) {
    if (error instanceof SteerError || error instanceof ConfigError) return undefined;
    throw error;
  }
}

function readPid(file: string): number | undefined {
  try {
    return Number(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

function folderOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return undefined;
  }
}
