/**
 * What a worker writes to its standard error: passed on line by line, and its end remembered for the day the worker dies.
 *
 * The worker makes a FIFO at the path that it was told (docs/protocol.md), and we read it. Programs that it starts write
 * there too, and may live longer: it is read until the last of them has closed it.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { Socket } from 'node:net';
import { StringDecoder } from 'node:string_decoder';
import { removeName } from '../process/remove-quietly.js';
import type { MeetingFolder } from './meeting-folder.js';

/** Takes complete lines, each with its newline. */
export type PassOn = (lines: string) => void;

const MAX_LAST_LINES = 20;
const MAX_LAST_LENGTH = 16_384;
/** What the interpreter's fault handler begins with. The stacks follow, and what matters is at their beginning. */
const FAULT = 'Fatal Python error: ';
const MAX_FAULT_LINES = 50;
/** As much as a pipe can hold. A program that the worker has left behind may write without end. */
const MAX_REST = 1_048_576;
/** A longer line is passed on in parts. */
const MAX_LINE_LENGTH = 16_384;

export class WorkerStderr {
  readonly path: string;
  readonly #passOn: PassOn;
  readonly #decoder = new StringDecoder('utf8');
  #fd: number | undefined;
  #socket: Socket | undefined;
  /** What came since the last newline. */
  #line = '';
  #last = '';

  /** Makes nothing: the FIFO is the worker's to make. */
  constructor(folder: MeetingFolder, passOn: PassOn) {
    this.path = folder.fifoPath();
    this.#passOn = passOn;
  }

  /** Begins to read. The worker has made the FIFO, or writes to our own standard error. */
  open(): void {
    this.#fd = openFifo(this.path);
    if (this.#fd === undefined) return;
    this.#socket = new Socket({ fd: this.#fd, readable: true, writable: false });
    this.#socket.on('data', (chunk) => this.#take(chunk));
    this.#socket.on('error', () => {});
    this.#socket.on('close', () => {
      this.#fd = undefined;
      this.#endLine();
    });
    // A program that the worker has left behind does not keep us alive.
    this.#socket.unref();
  }

  /** The last lines, with what the worker wrote just before its end; '' if it wrote nothing. */
  readLast(): string {
    this.#readRest();
    const text = (this.#last + this.#line).trimEnd();
    const faultAt = text.lastIndexOf(FAULT);
    return faultAt === -1
      ? text.split('\n').slice(-MAX_LAST_LINES).join('\n')
      : text.slice(faultAt).split('\n').slice(0, MAX_FAULT_LINES).join('\n');
  }

  /** The worker is no more. Whoever else holds the FIFO is read to its end. */
  release(): void {
    if (this.#socket === undefined) removeName(this.path);
  }

  /** What is in the pipe and has not been read yet; nothing that is said later. */
  #readRest(): void {
    if (this.#fd === undefined || this.#socket!.destroyed) return;
    const buffer = Buffer.allocUnsafe(65_536);
    try {
      for (let read = 0; read < MAX_REST;) {
        const length = readSync(this.#fd, buffer);
        if (length === 0) return;
        read += length;
        this.#take(buffer.subarray(0, length));
      }
    } catch {
      // EAGAIN: that was all.
    }
  }

  #take(chunk: Buffer): void {
    const text = this.#line + this.#decoder.write(chunk);
    const end =
      text.length > MAX_LINE_LENGTH && !text.includes('\n') ? text.length : text.lastIndexOf('\n') + 1;
    this.#line = text.slice(end);
    if (end > 0) this.#complete(text.slice(0, end));
  }

  #endLine(): void {
    const line = this.#line + this.#decoder.end();
    this.#line = '';
    if (line !== '') this.#complete(`${line}\n`);
  }

  #complete(lines: string): void {
    this.#passOn(lines.endsWith('\n') ? lines : `${lines}\n`);
    this.#last = (this.#last + lines).slice(-MAX_LAST_LENGTH);
  }
}

const { O_RDONLY, O_NONBLOCK, O_NOFOLLOW } = constants;

/** Opens the FIFO and takes its name away. undefined if there is none. */
function openFifo(path: string): number | undefined {
  let fd: number;
  try {
    fd = openSync(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
  } catch {
    return undefined;
  }
  removeName(path);
  if (fstatSync(fd).isFIFO()) return fd;
  closeSync(fd);
  return undefined;
}
