/** Finds the running xgi that a command is for. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { ConfigError } from '../errors.js';
import { CONTROLS, createEscape } from '../observe/escape.js';
import { checkControlFolder, listControlSockets, searchedFolders } from '../service/control-folder.js';
import type { ServiceStatus } from '../service/status.js';
import { SteerError } from './steer-error.js';
import { refusalOf, requestControl } from './steer-request.js';

export interface FoundXgi {
  readonly socketPath: string;
  /** Whose it is, if not ours: what root finds. */
  readonly uid: number | undefined;
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

/** That a message names: any user can make many folders. */
const MAX_FOLDERS = 5;

const escapeLine = createEscape(CONTROLS);

/**
 * The xgi of that socket; else of the variable XGI_CONTROL_SOCKET; else the only one, or the one of that process id: of this user, or,
 * for root, of all users.
 *
 * @throws SteerError if there is none
 * @throws ConfigError `XGI_CONTROL_SEVERAL` if there are several
 */
export async function findXgi(wanted: Wanted, env: Environment = process.env): Promise<FoundXgi> {
  const named = wanted.controlSocket ?? env['XGI_CONTROL_SOCKET'];
  if (named) return await lookAtNamed(path.resolve(named), wanted.pid);

  const { sockets, distrusted } = listSockets(env);
  const candidates = sockets.filter(({ pid }) => wanted.pid === undefined || pid === wanted.pid);
  const looks = await Promise.all(candidates.map(look));
  const found = looks.filter(({ told }) => !isAbsent(told));
  if (found.length === 1) return found[0]!;
  throw found.length === 0 ? none(wanted.pid, distrusted, env) : several(found, wanted.pid);
}

/** For messages: `4711 (shop:app)`, so that it is seen if it is not the one that was meant. */
export function nameOf({ pid, told }: FoundXgi): string {
  if (pid === undefined) return 'it';
  return told instanceof SteerError ? String(pid) : `${pid} (${escapeLine(told.status.target)})`;
}

async function lookAtNamed(socketPath: string, pid: number | undefined): Promise<FoundXgi> {
  const found = await look({ path: socketPath, pid: undefined, uid: undefined });
  if (isAbsent(found.told)) throw found.told;
  if (pid === undefined || found.pid === pid) return found;
  throw new SteerError(
    'XGI_CONTROL_NONE',
    `${socketPath}: the xgi there has the process id ${found.pid ?? 'that it does not tell'}, not ${pid}`,
  );
}

async function look(socket: Place<number | undefined>): Promise<FoundXgi> {
  const told = await askStatus(socket.path);
  const pid = told instanceof SteerError ? socket.pid : told.status.pid;
  return { socketPath: socket.path, uid: socket.uid, pid, told };
}

async function askStatus(socketPath: string): Promise<FoundXgi['told']> {
  try {
    const answer = await requestControl(socketPath, {
      method: 'GET',
      url: '/status',
      timeoutMs: STATUS_TIMEOUT_MS,
    });
    if (answer.status !== 200) return refusalOf(answer);
    if (!isStatus(answer.json))
      return new SteerError(
        'XGI_CONTROL_FOREIGN',
        `${socketPath}: what it tells is not the status of an xgi`,
      );
    return { status: answer.json as unknown as ServiceStatus, text: answer.text };
  } catch (error) {
    if (error instanceof SteerError) return error;
    throw error;
  }
}

/** As far as it takes to tell one from another: the process may be of a user who means to mislead root. */
function isStatus({ pid, target, listening }: Readonly<Record<string, unknown>>): boolean {
  return (
    Number.isSafeInteger(pid) &&
    typeof target === 'string' &&
    Array.isArray(listening) &&
    listening.every((address) => typeof address === 'string')
  );
}

/** A process that was killed has left its socket, for one. */
function isAbsent(told: FoundXgi['told']): told is SteerError {
  return told instanceof SteerError && ABSENT.has(told.code);
}

interface Place<Pid = number> {
  readonly path: string;
  readonly pid: Pid;
  readonly uid: number | undefined;
}

function listSockets(env: Environment): { sockets: Place[]; distrusted: string[] } {
  const sockets: Place[] = [];
  const distrusted: string[] = [];
  for (const folder of searchedFolders(env).filter(({ path: name }) => existsSync(name))) {
    const uid = folder.uid === process.geteuid?.() ? undefined : folder.uid;
    try {
      checkControlFolder(folder.path, folder.uid);
      const found = listControlSockets(folder.path, folder.uid);
      sockets.push(...found.map((socket) => ({ ...socket, uid })));
    } catch (error) {
      distrusted.push((error as Error).message);
    }
  }
  return { sockets, distrusted };
}

function none(pid: number | undefined, distrusted: readonly string[], env: Environment): SteerError {
  const isRoot = process.geteuid?.() === 0;
  const any = isRoot ? 'no xgi' : 'no xgi of this user';
  const who = pid === undefined ? `${any} runs` : `${any} has the process id ${pid}`;
  const folders = searchedFolders(env).map((folder) => folder.path);
  const where = distrusted.length > 0 ? distrusted.slice(0, MAX_FOLDERS) : [describeFolders(folders)];
  const others = isRoot
    ? 'if it was started with another TMPDIR or XDG_RUNTIME_DIR, set the same one'
    : "if another user's is meant, use sudo -u USER";
  return new SteerError(
    'XGI_CONTROL_NONE',
    `${who} (${where.join('; ')}); ${others}, and if it was started with --control-socket, name the same path`,
  );
}

function describeFolders(folders: readonly string[]): string {
  const shown = folders.slice(0, MAX_FOLDERS);
  const more = folders.length > shown.length ? [`${folders.length - shown.length} more`] : [];
  return `no socket in ${[...shown, ...more].join(' or ')}`;
}

/** @param pid if one was named, and yet several have it: of other pid namespaces, or so that nobody can name another */
function several(found: readonly FoundXgi[], pid: number | undefined): ConfigError {
  const whose = process.geteuid?.() === 0 ? '' : ' of this user';
  const how =
    pid === undefined
      ? `several xgi${whose} run; name one by its process id`
      : `several xgi${whose} have the process id ${pid}; name one by its socket, with --control-socket`;
  const lines = found.map((one) => {
    const name = pid === undefined ? String(one.pid).padEnd(8) : `${one.socketPath}  `;
    return `    ${name}${describeFound(one)}`;
  });
  return new ConfigError('XGI_CONTROL_SEVERAL', `${how}:\n\n${lines.join('\n')}`);
}

function describeFound({ told, uid }: FoundXgi): string {
  const what =
    told instanceof SteerError
      ? '(does not answer)'
      : `${escapeLine(told.status.target)}  ${told.status.listening.map(escapeLine).join(', ')}`;
  return uid === undefined ? what : `${what}  (of uid ${uid})`;
}
