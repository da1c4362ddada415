/**
 * The folder of a user in which each xgi has its control socket, `PID.sock`, unless it was given another path.
 *
 * It may lie in /tmp, where anybody can make a folder, or a symbolic link, of any name that is not taken: it is used only if it
 * is a real folder, ours, and closed to others.
 */
import { lstatSync, mkdirSync, readdirSync, statSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ListenError } from '../errors.js';
import { probeControlSocket } from './control-probe.js';

type Environment = Readonly<Record<string, string | undefined>>;

const SOCKET_FILE = /^([1-9][0-9]{0,9})\.sock$/;
/** More are not looked at. */
const MAX_SOCKETS = 1000;

/** The folders in which sockets of this user may be, the one that a new xgi uses first. None of them has to exist. */
export function controlFolders(env: Environment = process.env): string[] {
  const runtime = runtimeFolder(env);
  const temporary = path.join(tmpdir(), `xgi-control-${ownUid()}`);
  return runtime === undefined ? [temporary] : [path.join(runtime, 'xgi'), temporary];
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

/** @throws ListenError `XGI_CONTROL_FOLDER` if it is not there, or others could have a hand in it */
export function checkControlFolder(folder: string): void {
  const stats = lstatSync(folder, { throwIfNoEntry: false });
  if (stats === undefined) throw distrust(folder, 'there is no such folder');
  // lstat: behind a symbolic link could be any folder of ours.
  if (!stats.isDirectory())
    throw distrust(folder, 'it is not a folder, or a symbolic link to one; remove it');
  if (stats.uid !== ownUid())
    throw distrust(folder, `it belongs to another user (uid ${stats.uid}); remove it`);
  const mode = stats.mode & 0o777;
  if ((mode & 0o077) !== 0)
    throw distrust(folder, `others may use it (mode ${mode.toString(8)}); run chmod 700 ${folder}`);
}

/** The sockets in a folder that has been checked, living and dead ones. */
export function listControlSockets(folder: string): { pid: number; path: string }[] {
  const files = readdirSync(folder).map((name) => ({
    pid: Number(SOCKET_FILE.exec(name)?.[1] ?? 0),
    path: path.join(folder, name),
  }));
  return files.filter(({ pid }) => pid > 0).slice(0, MAX_SOCKETS);
}

/** The user's folder of the session (XDG Base Directory Specification), if it can be trusted: after `su` it may be another's. */
function runtimeFolder(env: Environment): string | undefined {
  const folder = env['XDG_RUNTIME_DIR'];
  if (!folder || !path.isAbsolute(folder)) return undefined;
  try {
    const stats = statSync(folder);
    return stats.isDirectory() && stats.uid === ownUid() && (stats.mode & 0o022) === 0 ? folder : undefined;
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

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it lives, and belongs to somebody else.
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

function ownUid(): number {
  return process.geteuid?.() ?? 0;
}

function distrust(folder: string, why: string): ListenError {
  return new ListenError('XGI_CONTROL_FOLDER', `${folder}: ${why}, or name a socket with --control-socket`);
}
