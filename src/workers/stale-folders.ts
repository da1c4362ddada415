/**
 * Removes what gateways that were killed (SIGKILL, out of memory) have left: their private folders (meeting-folder.ts), in which
 * spooled bodies can be gigabytes.
 *
 * A folder goes only if it is ours beyond doubt: of our user, closed to others (but for the workers' group), made on this host, and its socket refuses
 * connections. A gateway that lives, also one that is stopped or overloaded, has a socket that does not.
 */
import { lstat, opendir, readFile, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { FOLDER_PREFIX, HOST_NAME, removeSharedFolder, SHARED_MODE, SOCKET_NAME } from './meeting-folder.js';

/** A folder of temporary files can hold millions of them. */
const MAX_ENTRIES = 10_000;
const MAX_FOLDERS = 300;
/** Between its bind and its listen, the socket of a gateway that starts refuses connections. */
const MIN_AGE_MS = 10_000;

const PRIVATE_MODE = 0o700;

/** Looks through `parent`. Never rejects: what cannot be looked at or removed stays. */
export async function removeStaleFolders(parent: string): Promise<void> {
  let entries = 0;
  let folders = 0;
  try {
    for await (const { name } of await opendir(parent)) {
      if (++entries > MAX_ENTRIES || folders >= MAX_FOLDERS) return;
      if (!name.startsWith(FOLDER_PREFIX)) continue;
      folders += 1;
      const folder = join(parent, name);
      if (await isStale(folder, PRIVATE_MODE))
        await rm(folder, { recursive: true, force: true }).catch(() => {});
      else if (await isStale(folder, SHARED_MODE & 0o777)) removeSharedFolder(folder);
    }
  } catch {
    // Another start will do it.
  }
}

async function isStale(folder: string, mode: number): Promise<boolean> {
  try {
    // lstat: a symbolic link is neither a folder nor a socket.
    const stats = await lstat(folder);
    if (!stats.isDirectory() || stats.uid !== process.getuid?.() || (stats.mode & 0o777) !== mode)
      return false;
    const socketPath = join(folder, SOCKET_NAME);
    const socket = await lstat(socketPath);
    if (!socket.isSocket() || Date.now() - socket.mtimeMs < MIN_AGE_MS) return false;
    if ((await readFile(join(folder, HOST_NAME), 'utf8')) !== hostname()) return false;
    return await refuses(socketPath);
  } catch {
    return false;
  }
}

async function refuses(socketPath: string): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect(socketPath);
    socket.on('error', ({ code }: NodeJS.ErrnoException) => resolve(code === 'ECONNREFUSED'));
    socket.on('connect', () => {
      socket.destroy();
      resolve(false);
    });
  });
}
