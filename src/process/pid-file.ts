/** The pid file: says which process is the gateway, for as long as it is. */
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { ConfigError, XgiError } from '../errors.js';
import { isAlive } from './alive.js';

export interface PidFileOptions {
  /** The process id of our predecessor, whose file is ours though it lives: it may hang, or take a moment to die. Default: none. */
  readonly predecessor?: number | undefined;
}

/**
 * Writes our process id, in one step: a reader sees the old content or the new.
 *
 * @returns removes the file, if it still holds our id
 * @throws XgiError `XGI_PID_IN_USE` if it names a living process that is neither this one nor the predecessor
 * @throws ConfigError `XGI_PID_UNWRITABLE`
 */
export function writePidFile(file: string, { predecessor }: PidFileOptions = {}): () => void {
  const owner = readPid(file);
  const isOurs = owner === process.pid || owner === predecessor;
  if (owner !== undefined && !isOurs && isAlive(owner)) {
    throw new XgiError(
      'XGI_PID_IN_USE',
      `${file} belongs to the running process ${owner}; stop that first, or choose another file with --pid`,
    );
  }
  const temporary = `${file}.${process.pid}`;
  try {
    writeFileSync(temporary, `${process.pid}\n`, { flag: 'wx', mode: 0o644 });
    renameSync(temporary, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') rmSync(temporary, { force: true });
    throw new ConfigError(
      'XGI_PID_UNWRITABLE',
      `cannot write the pid file ${file}: ${(error as Error).message}`,
    );
  }
  return () => removePidFile(file);
}

function removePidFile(file: string): void {
  try {
    if (readPid(file) === process.pid) rmSync(file);
  } catch {
    // Somebody took the directory away. A stale file does no harm: it names no living process.
  }
}

/** undefined if there is no file, or no process id in it. */
function readPid(file: string): number | undefined {
  const text = readStart(file);
  const match = /^\s*([0-9]{1,9})\s*$/.exec(text);
  // 0 is no process: kill(0, …) means our own group.
  return match === null || Number(match[1]) === 0 ? undefined : Number(match[1]);
}

const { O_RDONLY, O_NONBLOCK, O_NOFOLLOW } = constants;
/** Longer than any process id. */
const MAX_BYTES = 64;

/** The first bytes of a regular file, '' of anything else: others may put a named pipe or a link to a device there. */
function readStart(file: string): string {
  let fd: number | undefined;
  try {
    fd = openSync(file, O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
    if (!fstatSync(fd).isFile()) return '';
    const bytes = Buffer.alloc(MAX_BYTES);
    return bytes.toString('latin1', 0, readSync(fd, bytes, 0, MAX_BYTES, 0));
  } catch {
    return '';
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}
