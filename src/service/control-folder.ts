/**
 * The folder of a user in which each xgi has its control socket, `PID.sock`, unless it was given another path.
 *
 * It may lie in /tmp, where anybody can make a folder, or a symbolic link, of any name that is not taken: it is used only if it
 * is a real folder, ours, and closed to others. Root looks into the folders of other users too: each has to belong to the user
 * whose name it bears. What is in it is that user's, who can put anything there, and is believed no more than any client.
 */
import { lstatSync, mkdirSync, readdirSync, type Stats, statSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ListenError } from '../errors.js';
import { probeControlSocket } from './control-probe.js';
import { isAlive } from '../process/alive.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** A folder in which sockets may be, and whose it has to be. */
export interface ControlFolder {
  readonly path: string;
  readonly uid: number;
}

const ROOT = 0;
const USER_FOLDER = /^xgi-control-(0|[1-9][0-9]{0,9})$/;
const SOCKET_FILE = /^([1-9][0-9]{0,9})\.sock$/;
/** More are not looked at. */
const MAX_SOCKETS = 1000;

/** The folders in which sockets of this user may be, the one that a new xgi uses first. None of them has to exist. */
export function controlFolders(env: Environment = process.env): string[] {
  const runtime = runtimeFolder(env);
  const temporary = path.join(tmpdir(), `xgi-control-${ownUid()}`);
  return runtime === undefined ? [temporary] : [path.join(runtime, 'xgi'), temporary];
}

/** The folders in which a command looks: those of this user, and, for root, those of the others. None of them has to exist. */
export function searchedFolders(env: Environment = process.env): ControlFolder[] {
  const uid = ownUid();
  const own = controlFolders(env).map((folder) => ({ path: folder, uid }));
  return uid === ROOT ? [...own, ...foldersOfOthers(env)] : own;
}

function foldersOfOthers(env: Environment): ControlFolder[] {
  const temporary = listNames(tmpdir())
    .map((name) => ({ path: path.join(tmpdir(), name), uid: Number(USER_FOLDER.exec(name)?.[1] ?? ROOT) }))
    .filter(({ uid }) => uid !== ROOT);
  // After `su` or `sudo -E`: of the user who became root.
  const runtime = statRuntimeFolder(env);
  return runtime === undefined || runtime.stats.uid === ROOT
    ? temporary
    : [{ path: path.join(runtime.path, 'xgi'), uid: runtime.stats.uid }, ...temporary];
}

function listNames(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/**
 * The path for the socket of this process. Makes the folder (0700) if need be, and removes the sockets that processes which are
 * no more have left in it.
 *
 * @throws ListenError `XGI_CONTROL_FOLDER` if the folder cannot be made, or cannot be trusted
 */
export async function prepareControlFolder(env?: Environment): Promise<string> {
  const folder = controlFolders(env)[0]!;
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== 'EEXIST') throw new ListenError('XGI_CONTROL_FOLDER', `${folder}: ${message}`);
  }
  checkControlFolder(folder);
  const own = path.join(folder, `${process.pid}.sock`);
  await Promise.all(listControlSockets(folder).map((socket) => removeIfStale(socket)));
  return own;
}

/** @throws ListenError `XGI_CONTROL_FOLDER` if it is not there, is not that user's, or others could have a hand in it */
export function checkControlFolder(folder: string, uid: number = ownUid()): void {
  const stats = lstatSync(folder, { throwIfNoEntry: false });
  if (stats === undefined) throw distrust(folder, 'there is no such folder');
  // lstat: behind a symbolic link could be any folder of ours.
  if (!stats.isDirectory())
    throw distrust(folder, 'it is not a folder, or a symbolic link to one; remove it');
  if (stats.uid !== uid) throw distrust(folder, `it belongs to another user (uid ${stats.uid}); remove it`);
  const mode = stats.mode & 0o777;
  if ((mode & 0o077) !== 0)
    throw distrust(folder, `others may use it (mode ${mode.toString(8)}); run chmod 700 ${folder}`);
}

/** The sockets in a folder of that user which has been checked, living and dead ones. */
export function listControlSockets(folder: string, uid: number = ownUid()): { pid: number; path: string }[] {
  const files = readdirSync(folder).map((name) => ({
    pid: Number(SOCKET_FILE.exec(name)?.[1] ?? 0),
    path: path.join(folder, name),
  }));
  return files
    .filter(({ pid }) => pid > 0)
    .slice(0, MAX_SOCKETS)
    .filter((file) => isSocketOf(file.path, uid));
}

/** Not a link, by which a user could show root the socket of another program. In our own folder it may belong to `--user`. */
function isSocketOf(file: string, uid: number): boolean {
  const stats = lstatSync(file, { throwIfNoEntry: false });
  return stats?.isSocket() === true && (uid === ownUid() || stats.uid === uid);
}

/** The user's folder of the session (XDG Base Directory Specification), if it can be trusted: after `su` it may be another's. */
function runtimeFolder(env: Environment): string | undefined {
  const folder = statRuntimeFolder(env);
  return folder?.stats.uid === ownUid() ? folder.path : undefined;
}

function statRuntimeFolder(env: Environment): { path: string; stats: Stats } | undefined {
  const folder = env['XDG_RUNTIME_DIR'];
  if (!folder || !path.isAbsolute(folder)) return undefined;
  try {
    const stats = statSync(folder);
    return stats.isDirectory() && (stats.mode & 0o022) === 0 ? { path: folder, stats } : undefined;
  } catch {
    return undefined;
  }
}

async function removeIfStale({ pid, path: socket }: { pid: number; path: string }): Promise<void> {
  // Between its bind and its listen a living process refuses too, and in other pid namespaces processes have other ids.
  if (isAlive(pid) || (await probeControlSocket(socket)) !== 'dead') return;
  try {
    unlinkSync(socket);
  } catch {
    // Another xgi that starts has done it.
  }
}

function ownUid(): number {
  return process.geteuid?.() ?? 0;
}

function distrust(folder: string, why: string): ListenError {
  return new ListenError('XGI_CONTROL_FOLDER', `${folder}: ${why}, or name a socket with --control-socket`);
}
