/**
 * The state file of a worker: for each of its threads the stream id that it has claimed last, as a u32. The worker maps it
 * into its memory and writes it; we read it when the worker has died (docs/protocol.md, "Started, not started").
 */
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { removeQuietly } from '../process/remove-quietly.js';
import type { MeetingFolder } from './meeting-folder.js';

const WORD_BYTES = 4;

export class StateFile {
  readonly path: string;
  readonly #slots: number;
  /** Kept open, so that the file can be read whatever has become of its folder. */
  readonly #fd: number;

  /** Creates the file. @throws the system's error if that fails */
  constructor(folder: MeetingFolder, slots: number) {
    this.path = folder.statePath();
    this.#slots = slots;
    this.#fd = openSync(this.path, 'wx+', 0o600);
    folder.letWrite(this.#fd);
    writeSync(this.#fd, Buffer.alloc(WORD_BYTES * slots));
  }

  /** The stream ids that the worker has claimed last, one for each thread; 0 for a thread that has claimed none. */
  readClaimed(): number[] {
    const bytes = Buffer.alloc(WORD_BYTES * this.#slots);
    readSync(this.#fd, bytes, 0, bytes.length, 0);
    return Array.from({ length: this.#slots }, (_, i) => bytes.readUInt32LE(i * WORD_BYTES));
  }

  /** Closes the file and removes it; it cannot be read any more. */
  remove(): void {
    closeSync(this.#fd);
    removeQuietly(this.path);
  }
}
