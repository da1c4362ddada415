/**
 * The end of a log: a file, standard output or standard error, written in large pieces and never waited for.
 *
 * Writes go through the thread pool, one at a time and in order. Streams of `process` will not do: they write
 * synchronously to pipes and files, so that a reader that stalls (a stopped terminal, a full pipe) would stop the
 * gateway with it. What cannot be written is kept up to a bound; lines beyond it are dropped and counted.
 *
 * Pipes and terminals are written to without blocking, for a thread that blocks in write(2) cannot be ended: `exit`
 * waits for it, and with it the process would, for ever.
 */
import { close, closeSync, constants, fstatSync, openSync, write, writeSync } from 'node:fs';
import { isatty } from 'node:tty';

export interface LogFileOptions {
  /** A path, opened for appending, or a descriptor that stays open. */
  readonly target: string | number;
  /** Lines are collected for at most this time; 0 writes at once. */
  readonly intervalMs: number;
  /** Called once for each row of failures, and when lines were lost. Must not write to this same file. */
  readonly onProblem?: (message: string) => void;
}

const FLUSH_LENGTH = 64 * 1024;
/** In characters; nearly always bytes. */
const MAX_PENDING_LENGTH = 16 * 2 ** 20;
/** 64 KiB fit into a pipe, so 13 MB/s go through. */
const FULL_PIPE_RETRY_MS = 5;

const { O_WRONLY, O_APPEND, O_CREAT, O_NONBLOCK, O_NOCTTY } = constants;
/** Of a named pipe that nobody reads the opening fails (ENXIO), where it would else block the gateway's only thread. */
const OPEN_FLAGS = O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_NOCTTY;

let writesUnderWay = 0;

/**
 * Whether a write is under way in the thread pool. If one is when all logs are closed, it blocks, and `process.exit`
 * would never return: the log is a socket, or a pipe of another user.
 */
export function isWriteUnderWay(): boolean {
  return writesUnderWay > 0;
}

/** Those that are files, and open. */
const files = new Set<LogFile>();

/** Opens all files of logs again, after a log rotation has moved them. */
export function reopenLogFiles(): void {
  for (const file of files) file.reopen();
}

export class LogFile {
  readonly #target: string | number;
  readonly #intervalMs: number;
  readonly #onProblem: (message: string) => void;
  #fd: number;
  #pending = '';
  #writing = false;
  #timer: NodeJS.Timeout | undefined;
  #retry: NodeJS.Timeout | undefined;
  #closed = false;
  #isEnding = false;
  readonly #afterWrite: (() => void)[] = [];
  #lost = 0;
  #failing = false;

  /** @throws the system's error if the file cannot be opened */
  constructor({ target, intervalMs, onProblem = () => {} }: LogFileOptions) {
    this.#target = target;
    this.#intervalMs = intervalMs;
    this.#onProblem = onProblem;
    this.#fd = typeof target === 'number' ? withoutBlocking(target) : openSync(target, OPEN_FLAGS, 0o644);
    if (typeof target === 'string') files.add(this);
  }

  /** Appends a line, which ends with a newline. Never throws and never waits. */
  write(line: string): void {
    if (this.#closed) return;
    if (this.#pending.length > MAX_PENDING_LENGTH) {
      this.#lost += 1;
      return;
    }
    this.#pending += line;
    if (this.#isEnding) this.#writeNow();
    else if (this.#intervalMs === 0 || this.#pending.length >= FLUSH_LENGTH) this.#flush();
    else this.#timer ??= setTimeout(() => this.#flush(), this.#intervalMs).unref();
  }

  /** From now on a line is written before `write` returns: the process ends. What a pipe does not take is lost. */
  writeAtOnce(): void {
    this.#isEnding = true;
  }

  /** Opens the path again, after a log rotation has moved the file. Does nothing for a descriptor. */
  reopen(): void {
    if (typeof this.#target === 'number') return;
    const old = this.#fd;
    try {
      this.#fd = openSync(this.#target, OPEN_FLAGS, 0o644);
    } catch (error) {
      this.#onProblem(`cannot open ${this.#target} again, the old file goes on: ${(error as Error).message}`);
      return;
    }
    // A write that is under way has the old file.
    if (this.#writing) this.#afterWrite.push(() => close(old));
    else closeSync(old);
  }

  /** Resolves when all is written, or after `withinMs`. The file is closed; later lines are lost. */
  async close(withinMs: number): Promise<void> {
    files.delete(this);
    this.#flush();
    let timer: NodeJS.Timeout | undefined;
    const expired = new Promise<void>((resolve) => (timer = setTimeout(resolve, withinMs)));
    await Promise.race([this.#untilIdle(), expired]);
    clearTimeout(timer);
    this.#closed = true;
    this.#stopTimer();
    clearTimeout(this.#retry);
    if (this.#fd !== this.#target && !this.#writing) closeSync(this.#fd);
    this.#pending = '';
  }

  #flush(): void {
    this.#stopTimer();
    if (this.#writing || this.#pending === '') return;
    const bytes = Buffer.from(this.#pending);
    this.#pending = '';
    this.#writing = true;
    this.#writeOut(this.#fd, bytes);
  }

  #writeNow(): void {
    const bytes = Buffer.from(this.#pending);
    this.#pending = '';
    try {
      writeSync(this.#fd, bytes);
    } catch {
      // Nobody is left to tell.
    }
  }

  #writeOut(fd: number, bytes: Buffer): void {
    writesUnderWay += 1;
    write(fd, bytes, (error, written) => {
      writesUnderWay -= 1;
      if (this.#closed) return;
      if (error?.code === 'EAGAIN') {
        this.#retry = setTimeout(() => this.#writeOut(fd, bytes), FULL_PIPE_RETRY_MS);
      } else if (error === null && written < bytes.length) {
        this.#writeOut(fd, bytes.subarray(written));
      } else {
        this.#report(error);
        this.#writing = false;
        for (const callback of this.#afterWrite.splice(0)) callback();
        this.#flush();
      }
    });
  }

  #report(error: Error | null): void {
    if (error !== null && !this.#failing)
      this.#onProblem(`cannot write to ${this.#name()}: ${error.message}`);
    this.#failing = error !== null;
    if (error === null && this.#lost > 0) {
      this.#onProblem(`${this.#lost} lines for ${this.#name()} were lost: it takes them too slowly`);
      this.#lost = 0;
    }
  }

  #name(): string {
    if (typeof this.#target === 'string') return this.#target;
    return this.#target === 1 ? 'standard output' : `descriptor ${this.#target}`;
  }

  async #untilIdle(): Promise<void> {
    while (this.#writing) await new Promise<void>((resolve) => this.#afterWrite.push(resolve));
  }

  #stopTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}

/**
 * A descriptor of the same pipe or terminal that does not block. O_NONBLOCK is a flag of what is open, not of the
 * descriptor: to set it would change it for every process that shares it, the shell too, so it is opened once more.
 *
 * @returns the given one where that does not work (a socket, a pipe of another user, a system without /proc), and for a
 *   file, which would be written from its beginning
 */
function withoutBlocking(fd: number): number {
  try {
    if (!fstatSync(fd).isFIFO() && !isatty(fd)) return fd;
    return openSync(`/proc/self/fd/${fd}`, O_WRONLY | O_NONBLOCK | O_NOCTTY);
  } catch {
    return fd;
  }
}
