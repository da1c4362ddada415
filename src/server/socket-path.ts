/**
 * The name of a Unix-domain socket in the file system.
 *
 * libuv removes the name that it bound when the socket is closed; a process that hands its socket over would take the name away
 * from its successor. So the socket is bound at a temporary name beside its own and then given its own: what libuv removes is gone
 * by then, and the name is removed by us, by the last process that has the socket, and only while it still leads to that socket.
 */
import { randomBytes } from 'node:crypto';
import { linkSync, lstatSync, renameSync, statSync, unlinkSync, type BigIntStats, type Stats } from 'node:fs';
import { connect } from 'node:net';
import { basename, dirname, join, resolve } from 'node:path';
import { ListenError } from '../errors.js';
import { denied, inUse } from './listen-failure.js';

/** Every system takes a path of so many bytes: macOS 103, Linux 107. */
const SAFE_PATH_BYTES = 100;
const RANDOM_BYTES = 6;

/** A path that leads to a socket, to be removed with it. */
export class SocketPath {
  readonly #path: string;
  readonly #stat: BigIntStats;

  private constructor(path: string, stat: BigIntStats) {
    this.#path = path;
    this.#stat = stat;
  }

  /** Remembers the socket that the path leads to now; undefined if there is none. */
  static of(path: string): SocketPath | undefined {
    const stat = lstatSync(path, { bigint: true, throwIfNoEntry: false });
    // The working directory may change before the path is removed.
    return stat?.isSocket() === true ? new SocketPath(resolve(path), stat) : undefined;
  }

  /** Removes the path, unless it is gone or another socket's by now. */
  remove(): void {
    try {
      const now = lstatSync(this.#path, { bigint: true });
      if (now.ino === this.#stat.ino && now.dev === this.#stat.dev) unlinkSync(this.#path);
    } catch {
      // Gone, or in a folder that this user, after privileges were given up, may not change: the next start replaces it.
    }
  }
}

/** A name in the same folder that nobody else is likely to have, and not longer than the path unless that is short. */
export function temporaryPath(path: string): string {
  const folder = dirname(path);
  const room = Math.max(Buffer.byteLength(path), SAFE_PATH_BYTES) - Buffer.byteLength(folder) - 1;
  const name = `.xgi-${randomBytes(RANDOM_BYTES).toString('hex')}`.slice(-room);
  // Of one character, it may be the very same.
  return name === basename(path) ? temporaryPath(path) : join(folder, name);
}

/**
 * Gives a socket that was bound at a temporary name its own, in one step: nobody finds the path without a server behind it.
 *
 * @throws ListenError `XGI_LISTEN_IN_USE` if another has taken the path since it was looked at
 */
export function giveName(temporary: string, path: string): void {
  try {
    // Unlike rename(2), link(2) does not replace the socket of a server that was started at the same moment.
    linkSync(temporary, path);
    unlinkSync(temporary);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') {
      unlinkSync(temporary);
      throw inUse(`unix:${path}`);
    }
    // A file system without hard links.
    renameSync(temporary, path);
  }
}

/**
 * Removes the socket file of a server that is no more. One that still answers is in use.
 *
 * @throws ListenError if it is in use, is no socket, or lies in a folder that is not there or not to be used
 */
export async function removeStale(path: string): Promise<void> {
  if (await isStale(path)) unlinkSync(path);
}

/**
 * Whether the path leads to the socket of a server that is no more; false if it leads to nothing.
 *
 * @throws ListenError as {@link removeStale}
 */
export async function isStale(path: string): Promise<boolean> {
  const stat = lookAt(path);
  if (stat === undefined) return false;
  if (!stat.isSocket()) {
    throw new ListenError(
      'XGI_LISTEN_FAILED',
      `unix:${path}: there is a file of this name that is not a socket; remove it or choose another path`,
    );
  }
  const alive = await new Promise<boolean>((settle) => {
    const probe = connect(path, () => {
      probe.destroy();
      settle(true);
    });
    probe.on('error', (error: NodeJS.ErrnoException) =>
      settle(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT'),
    );
  });
  if (alive) throw inUse(`unix:${path}`);
  return true;
}

/** @returns undefined if there is no such file, but a folder for it */
function lookAt(path: string): Stats | undefined {
  const folder = dirname(resolve(path));
  try {
    if (!statSync(folder).isDirectory())
      throw new ListenError('XGI_LISTEN_FAILED', `unix:${path}: ${folder} is not a folder`);
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    if (error instanceof ListenError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT')
      throw new ListenError('XGI_LISTEN_FAILED', `unix:${path}: there is no folder ${folder}; create it`);
    if (code === 'EACCES' || code === 'EPERM')
      throw denied(`unix:${path}`, code, `this user may not use the folder ${folder}`);
    throw new ListenError('XGI_LISTEN_FAILED', `unix:${path}: ${message}`);
  }
}
