/** Finds the running xgi that a command is for. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { ConfigError } from '../errors.js';
import { CONTROLS, createEscape } from '../observe/escape.js';
import { checkControlFolder, controlFolders, listControlSockets } from '../service/control-folder.js';
import type { ServiceStatus } from '../service/status.js';
import { SteerError } from './steer-error.js';
import { refusalOf, requestControl } from './steer-request.js';

export interface FoundXgi {
  readonly socketPath: string;
  /** Undefined if it did not tell, and its socket is not named by it. */
  readonly pid: number | undefined;
  /** Its status, and the JSON as it came; or why there is none: a process that cannot tell may yet be stopped. */
  readonly told: { readonly status: ServiceStatus; readonly text: string } | SteerError;
}

export interface Wanted {
  readonly controlSocket: string | undefined;
  readonly pid: number | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** More than the server gives itself. */
const STATUS_TIMEOUT_MS = 8000;

/** There is no xgi that could be told anything. */
const ABSENT = new Set(['XGI_CONTROL_NONE', 'XGI_CONTROL_DENIED', 'XGI_CONTROL_FOREIGN']);

const escapeLine = createEscape(CONTROLS);

/**
 * The xgi of that socket; else of the variable XGI_CONTROL_SOCKET; else the only one of this user, or the one of that process id.
 *
 * @throws SteerError if there is none
 * @throws ConfigError `XGI_CONTROL_SEVERAL` if there are several
 */
export async function findXgi(wanted: Wanted, env: Environment = process.env): Promise<FoundXgi> {
  const named = wanted.controlSocket ?? env['XGI_CONTROL_SOCKET'];
  if (named) return await lookAtNamed(path.resolve(named), wanted.pid);

  const { sockets, distrusted } = listSockets(env);
  const candidates = sockets.filter(({ pid }) => wanted.pid === undefined || pid === wanted.pid);
  const looks = await Promise.all(candidates.map((socket) => look(socket.path, socket.pid)));
  const found = looks.filter(({ told }) => !isAbsent(told));
  if (found.length === 1) return found[0]!;
  throw found.length === 0 ? none(wanted.pid, distrusted, env) : several(found);
}

async function lookAtNamed(socketPath: string, pid: number | undefined): Promise<FoundXgi> {
  const found = await look(socketPath, undefined);
  if (isAbsent(found.told)) throw found.told;
  if (pid === undefined || found.pid === pid) return found;
  throw new SteerError(
    'XGI_CONTROL_NONE',
    `${socketPath}: the xgi there has the process id ${found.pid ?? 'that it does not tell'}, not ${pid}`,
  );
}

async function look(socketPath: string, pid: number | undefined): Promise<FoundXgi> {
  const told = await askStatus(socketPath);
  return { socketPath, pid: told instanceof SteerError ? pid : told.status.pid, told };
}

async function askStatus(socketPath: string): Promise<FoundXgi['told']> {
  try {
    const answer = await requestControl(socketPath, {
      method: 'GET',
      url: '/status',
      timeoutMs: STATUS_TIMEOUT_MS,
    });
    if (answer.status !== 200) return refusalOf(answer);
    return { status: answer.json as unknown as ServiceStatus, text: answer.text };
  } catch (error) {
    if (error instanceof SteerError) return error;
    throw error;
  }
}

/** A process that was killed has left its socket, for one. */
function isAbsent(told: FoundXgi['told']): told is SteerError {
  return told instanceof SteerError && ABSENT.has(told.code);
}

function listSockets(env: Environment): {
  sockets: { pid: number; path: string }[];
  distrusted: string[];
} {
  const sockets: { pid: number; path: string }[] = [];
  const distrusted: string[] = [];
  for (const folder of controlFolders(env).filter((name) => existsSync(name))) {
    try {
      checkControlFolder(folder);
      sockets.push(...listControlSockets(folder));
    } catch (error) {
      distrusted.push((error as Error).message);
    }
  }
  return { sockets, distrusted };
}

function none(pid: number | undefined, distrusted: readonly string[], env: Environment): SteerError {
  const who =
    pid === undefined ? 'no xgi of this user runs' : `no xgi of this user has the process id ${pid}`;
  const where = distrusted.length > 0 ? distrusted : [`no socket in ${controlFolders(env).join(' or ')}`];
  return new SteerError(
    'XGI_CONTROL_NONE',
    `${who} (${where.join('; ')}); if another user's is meant, use sudo -u USER, and if it was started with --control-socket, name the same path`,
  );
}

function several(found: readonly FoundXgi[]): ConfigError {
  const lines = found.map(({ pid, told }) => {
    const what =
      told instanceof SteerError
        ? '(does not answer)'
        : `${escapeLine(told.status.target)}  ${told.status.listening.map(escapeLine).join(', ')}`;
    return `    ${String(pid).padEnd(8)}${what}`;
  });
  return new ConfigError(
    'XGI_CONTROL_SEVERAL',
    `several xgi of this user run; name one by its process id:\n\n${lines.join('\n')}`,
  );
}
