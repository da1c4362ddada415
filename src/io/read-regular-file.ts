/** Files that somebody names in a configuration, and that may be anything: a FIFO, a device, a folder, a disk image. */
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';

/**
 * Reads a file at once, or not at all: never waits for a writer, and never reads what has no end.
 *
 * @throws what open(2) says, with its code; Error in words, for a file that is not a regular one, or larger
 */
export function readRegularFile(file: string, maxBytes: number): Buffer {
  // A FIFO is opened without waiting for whoever would write to it.
  const fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stat = fstatSync(fd);
    if (stat.isDirectory()) throw new Error('it is a folder');
    if (!stat.isFile()) throw new Error('it is not a regular file');
    if (stat.size > maxBytes) throw new Error(`it has ${stat.size} bytes, and at most ${maxBytes} are read`);
    return readFileSync(fd);
  } finally {
    closeSync(fd);
  }
}
