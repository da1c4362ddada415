/**
 * Opens files that are to be sent: regular ones, that lie where files may be sent from.
 *
 * Whoever may write there can exchange a file or a folder for a link between a look at a path and its opening. So the file that was opened is
 * asked where it lies. Where the system does not tell, a second look at the path makes that harder, but not impossible.
 *
 * All paths are byte text.
 */
import { closeSync, constants, fstatSync, openSync, readSync, realpathSync, type BigIntStats } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { bytesOf } from '../gateway/byte-text.js';

export interface FileToOpen {
  /** All links resolved. */
  readonly real: string;
  /** Throws, with the reason, unless a file at that real path may be sent. */
  readonly checkPlace: (place: string) => void;
}

export interface OpenFile {
  readonly handle: FileHandle;
  readonly stats: BigIntStats;
}

export interface ReadFile {
  readonly bytes: Buffer;
  readonly stats: BigIntStats;
}

/** O_NONBLOCK: the opening of a pipe would wait for ever. */
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW;

/** The caller closes the handle. @throws Error that says why not */
export async function openFile({ real, checkPlace }: FileToOpen): Promise<OpenFile> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(bytesOf(real), FLAGS);
    const stats = await handle.stat({ bigint: true });
    check(handle.fd, stats, { real, checkPlace });
    return { handle, stats };
  } catch (error) {
    void handle?.close().catch(() => {});
    throw error;
  }
}

/**
 * The content of a small file, all of one version. Synchronous: what the kernel has in memory is read faster than another thread is asked for it.
 *
 * @returns undefined if the file is being written to
 * @throws Error that says why it cannot be read
 */
export function readFile({ real, checkPlace }: FileToOpen): ReadFile | undefined {
  const fd = openSync(bytesOf(real), FLAGS);
  try {
    const stats = fstatSync(fd, { bigint: true });
    check(fd, stats, { real, checkPlace });
    const bytes = Buffer.allocUnsafeSlow(Number(stats.size));
    let length = 0;
    while (length < bytes.length) {
      const count = readSync(fd, bytes, length, bytes.length - length, length);
      if (count === 0) return undefined;
      length += count;
    }
    const after = fstatSync(fd, { bigint: true });
    return after.size === stats.size && after.mtimeNs === stats.mtimeNs ? { bytes, stats } : undefined;
  } finally {
    closeSync(fd);
  }
}

function check(fd: number, stats: BigIntStats, { real, checkPlace }: FileToOpen): void {
  if (!stats.isFile()) throw new Error('it is no regular file');
  const opened = process.platform === 'linux' ? Buffer.from(`/proc/self/fd/${fd}`) : bytesOf(real);
  checkPlace(realpathSync.native(opened, 'latin1'));
}
