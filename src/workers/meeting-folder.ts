/**
 * The folder that a gateway shares with the workers of one application: the socket, state files, spooled bodies, and the FIFOs that are
 * their standard errors. It is closed to everybody else.
 *
 * Workers of the gateway's own user: the folder is 0700, and all is theirs as well. Workers of another user reach it by their group, and may do no
 * more than they have to: nothing in it is theirs to replace, but for the names in a folder of the FIFOs, where the gateway follows no link
 * and removes nothing but names. Another application may have the same group: names that matter are random, and cannot be listed.
 */
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmdirSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError } from '../errors.js';
import { removeName, removeQuietly } from '../process/remove-quietly.js';

export const FOLDER_PREFIX = 'xgi-';
export const SOCKET_NAME = 'socket';
/** Holds the host's name: on a file system of several hosts, the sockets of the others refuse connections too. */
export const HOST_NAME = 'host';
const FIFOS_NAME = 'stderr';

/** Setgid: what is made in it is of the workers' group. They may pass through, and list nothing. */
export const SHARED_MODE = 0o2710;
/** Workers make names here, of which each may remove its own; the FIFOs are of the gateway's group, so that it can read them. */
const FIFOS_MODE = 0o3733;

/** With whom a folder is shared that are not the gateway's user. */
export interface Sharing {
  /** Who the gateway is, or will be. */
  readonly gatewayUid: number;
  /** Of the workers. */
  readonly gid: number;
}

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants;

/** Those that there are: an application that calls process.exit waits for nobody to remove them. */
const folders = new Set<MeetingFolder>();

function removeAll(): void {
  for (const folder of folders) folder.remove();
}

export class MeetingFolder {
  readonly path: string;
  #isShared = false;

  /** Makes it, 0700. @throws ConfigError `XGI_CONFIG_TMPDIR` */
  constructor() {
    try {
      this.path = mkdtempSync(join(tmpdir(), FOLDER_PREFIX));
    } catch (error) {
      throw unusable(error);
    }
    if (folders.size === 0) process.on('exit', removeAll);
    folders.add(this);
  }

  /** Gives it to the gateway's user and the workers' group. Only root can, so before it is given up. @throws ConfigError `XGI_CONFIG_TMPDIR` */
  share({ gatewayUid, gid }: Sharing): void {
    this.#isShared = true;
    let fd: number | undefined;
    try {
      // By its descriptor: in a TMPDIR of somebody's own, the name may be given to something else.
      fd = openSync(this.path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
      const { uid, mode } = fstatSync(fd);
      if (uid !== process.geteuid!() || (mode & 0o777) !== 0o700) throw new Error('it was replaced');
      fchownSync(fd, gatewayUid, gid);
      fchmodSync(fd, SHARED_MODE);
    } catch (error) {
      throw unusable(error);
    } finally {
      if (fd !== undefined) closeSync(fd);
    }
  }

  /** Of files that workers read; null for as it is. */
  get readableMode(): number | null {
    return this.#isShared ? 0o640 : null;
  }

  get socketPath(): string {
    return join(this.path, SOCKET_NAME);
  }

  /** Call it as the gateway's user, when the socket is there. */
  open(): void {
    if (!this.#isShared) return;
    chmodSync(this.socketPath, 0o660);
    const fifos = join(this.path, FIFOS_NAME);
    mkdirSync(fifos, 0o700);
    chownSync(fifos, process.geteuid!(), process.getegid!());
    chmodSync(fifos, FIFOS_MODE);
  }

  /** A path that a worker makes a FIFO of. */
  fifoPath(): string {
    const folder = this.#isShared ? join(this.path, FIFOS_NAME) : this.path;
    return join(folder, `stderr-${randomName()}`);
  }

  /** A path for a state file, which is to be made exclusively; see `letWrite`. */
  statePath(): string {
    return join(this.path, `state-${randomName()}`);
  }

  /** Lets workers read and write a file of ours. */
  letWrite(fd: number): void {
    if (this.#isShared) fchmodSync(fd, 0o660);
  }

  /** With all that is in it. Never throws. */
  remove(): void {
    if (folders.delete(this) && folders.size === 0) process.off('exit', removeAll);
    if (this.#isShared) removeSharedFolder(this.path);
    else removeQuietly(this.path);
  }
}

/**
 * Removes a folder that workers of another user can write to. Never throws. A removal that goes down into folders could be led elsewhere by whoever replaces
 * them at the right moment (CVE-2022-21658 and its kind); so folders that such a worker has made stay, if there is something in them.
 */
export function removeSharedFolder(path: string): void {
  const fifos = join(path, FIFOS_NAME);
  for (const name of namesIn(fifos)) removeName(join(fifos, name));
  for (const name of namesIn(path)) removeName(join(path, name));
  try {
    rmdirSync(path);
  } catch {
    // It stays.
  }
}

/** 128 bits. */
function randomName(): string {
  return randomBytes(16).toString('base64url');
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function unusable(error: unknown): ConfigError {
  return new ConfigError(
    'XGI_CONFIG_TMPDIR',
    `the folder for temporary files cannot be used: ${(error as Error).message}; name another in the variable TMPDIR`,
  );
}
