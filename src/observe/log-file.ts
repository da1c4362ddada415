/**
 * The end of a log: a file, standard output or standard error, written in large pieces and never waited for.
 *
 * Writes go through the thread pool, one at a time and in order. Streams of `process` will not do: they write
 * synchronously to pipes and files, so that a reader that stalls (a stopped terminal, a full pipe) would stop the
 * gateway with it. What cannot be written is kept up to a bound; lines beyond it are dropped and counted.
 */
import { close, closeSync, openSync, write, writeSync } from 'node:fs';

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
/** Standard output can be a pipe that another process has made non-blocking. 64 KiB fit in, so 13 MB/s go through. */
const FULL_PIPE_RETRY_MS = 5;

export class LogFile {
  readonly #target: string | number;
  readonly #intervalMs: number;
  readonly #onProblem: (message: string) => void;
  #fd: number;
  #pending = '';
  #writing = false;
  #timer: NodeJS.Timeout | undefined;
  readonly #afterWrite: (() => void)[] = [];
  #lost = 0;
  #failing = false;

  /** @throws the system's error if the file cannot be opened */
  constructor({ target, intervalMs, onProblem = () => {} }: LogFileOptions) {
    this.#target = target;
    this.#intervalMs = intervalMs;
    this.#onProblem = onProblem;
    this.#fd = typeof target === 'number' ? target : openSync(target, 'a', 0o644);
  }

  /** Appends a line, which ends with a newline. Never throws and never waits. */
  write(line: string): void {
    if (this.#pending.length > MAX_PENDING_LENGTH) {
      this.#lost += 1;
      return;
    }
    this.#pending += line;
    if (this.#intervalMs === 0 || this.#pending.length >= FLUSH_LENGTH) this.#flush();
    else this.#timer ??= setTimeout(() => this.#flush(), this.#intervalMs).unref();
  }

  /** Opens the path again, after a log rotation has moved the file. Does nothing for a descriptor. */
  reopen(): void {
    if (typeof this.#target === 'number') return;
    const old = this.#fd;
    try {
      this.#fd = openSync(this.#target, 'a', 0o644);
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
    this.#flush();
    let timer: NodeJS.Timeout | undefined;
    const expired = new Promise<void>((resolve) => (timer = setTimeout(resolve, withinMs)));
    await Promise.race([this.#untilIdle(), expired]);
    clearTimeout(timer);
    this.#stopTimer();
    if (typeof this.#target === 'string' && !this.#writing) closeSync(this.#fd);
    this.#pending = '';
  }

  /** For the end of a process that has failed: writes what is there, as far as that is possible without waiting. */
  flushSync(): void {
    try {
      writeSync(this.#fd, this.#pending);
    } catch {
      // There is nobody left to tell.
    }
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

  #writeOut(fd: number, bytes: Buffer): void {
    write(fd, bytes, (error, written) => {
      if (error?.code === 'EAGAIN') {
        setTimeout(() => this.#writeOut(fd, bytes), FULL_PIPE_RETRY_MS);
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
