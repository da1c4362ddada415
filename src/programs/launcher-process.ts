/** One launcher, from its start to its end: its process, its channel, and the programs that it runs (docs/protocol.md, "Launcher"). */
import { spawn, type ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { BootError, FrameError } from '../errors.js';
import { readInto } from '../io/read-into.js';
import type { Log } from '../types.js';
import { FrameDecoder, type LauncherReceiver } from '../wire/decoder.js';
import { FrameEncoder } from '../wire/encoder.js';
import {
  MAX_STREAM_ID,
  type LauncherSettings,
  type ProgramEnd,
  type ReadyInfo,
  type WorkerFailure,
} from '../wire/frames.js';
import { logWorkerLine } from '../workers/worker-log.js';
import { LaunchedBody } from './launched-body.js';
import { LaunchedRun } from './launched-run.js';
import { killOrphans } from './orphans.js';
import type { Run, RunOrder, RunOwner } from './runner.js';

export interface LauncherProcessOptions {
  /** The interpreter that runs it; absolute. */
  readonly python: string;
  readonly settings: LauncherSettings;
  readonly log: Log;
}

export interface LauncherProcessOwner {
  /** It runs programs from now on. */
  ready(): void;
  /** It is no more; `status` tells how it ended, `served` whether it was ready before. */
  gone(status: string, served: boolean): void;
}

/** Run by path. */
export const LAUNCHER_PROGRAM = fileURLToPath(new URL('../../python/xgi_cgi', import.meta.url));

/** All channels are read into it, one after the other: what is kept is copied. */
const READ_BUFFER = Buffer.allocUnsafeSlow(65_536);

/** After the grace of a stop: for programs to be killed, and for itself to go. */
const EXIT_MS = 1000;

export class LauncherProcess implements LauncherReceiver {
  readonly startedAtMs: number = performance.now();
  readonly #options: LauncherProcessOptions;
  readonly #owner: LauncherProcessOwner;
  readonly #process: ChildProcess;
  /** undefined if the process could not be made. */
  readonly #channel: Socket | undefined;
  readonly #frames = new FrameEncoder();
  readonly #decoder = FrameDecoder.launcher(this);
  readonly #runs = new Map<number, LaunchedRun>();
  readonly #gone: Promise<void>;
  #lastStream = 0;
  #served = 0;
  #flushing = false;
  #ready = false;
  /** It does not keep to the protocol: nothing that it says counts. */
  #broken = false;

  constructor(options: LauncherProcessOptions, owner: LauncherProcessOwner) {
    this.#options = options;
    this.#owner = owner;
    // -I -S: neither PYTHON* variables nor site packages are its business, and it is there in half the time.
    this.#process = spawn(options.python, ['-I', '-S', '-B', LAUNCHER_PROGRAM], {
      cwd: '/',
      env: {},
      stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
    });
    const pipe = this.#process.stdio[3] as Socket | undefined;
    this.#channel =
      pipe === undefined
        ? undefined
        : readInto(pipe, READ_BUFFER, (chunk, length) => this.#receive(chunk, length));
    this.#gone = new Promise((resolve) => {
      const gone = (status: string): void => {
        this.#end(status);
        resolve();
      };
      this.#process.on('error', (error) => {
        // With a process id it is a kill that was refused: one of root's, which we are not any more.
        if (this.#process.pid === undefined) gone(error.message);
      });
      this.#process.once('exit', (code, signal) => gone(signal ?? `status ${code}`));
    });
    // What cannot be written any more was for one that has gone, which its exit tells.
    this.#channel?.on('error', () => {});
    // It would stay open for what could still be written.
    this.#channel?.on('end', () => this.#channel?.destroy());
    this.#frames.hello(options.settings);
    this.#flush();
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  get isReady(): boolean {
    return this.#ready;
  }

  /** Runs that are not over. */
  get running(): number {
    return this.#runs.size;
  }

  /** Runs that are. */
  get served(): number {
    return this.#served;
  }

  run(order: RunOrder, owner: RunOwner): Run {
    const stream = this.#nextStream();
    const { environ, body, more } = order;
    const towards = { stream, frames: this.#frames, flushSoon: () => this.#flushSoon() };
    const run = new LaunchedRun({
      ...towards,
      launcher: this.pid ?? null,
      owner,
      environ,
      body: more ? new LaunchedBody({ ...towards, sentBytes: body.length }) : undefined,
      mayKill: this.#options.settings.user === null,
      over: () => {
        if (this.#runs.delete(stream)) this.#served++;
      },
    });
    this.#frames.run({ stream, ...order });
    this.#runs.set(stream, run);
    this.#flushSoon();
    return run;
  }

  reload(): void {
    this.#frames.reload();
    this.#flushSoon();
  }

  /** Resolves when it is gone. */
  async stop(graceMs: number): Promise<void> {
    this.#frames.drain();
    this.#flush();
    const abort = setTimeout(() => {
      for (const run of [...this.#runs.values()]) run.stop();
    }, graceMs);
    const kill = setTimeout(() => this.kill(), graceMs + this.#options.settings.killGraceMs + EXIT_MS);
    await this.#gone;
    clearTimeout(abort);
    clearTimeout(kill);
  }

  /** Ends it at once. The programs that it runs are killed when its end is seen. One of root's, which may not be killed, ends with its channel. */
  kill(): void {
    this.#channel?.destroy();
    this.#process.kill('SIGKILL');
  }

  #nextStream(): number {
    do this.#lastStream = this.#lastStream >= MAX_STREAM_ID ? 1 : this.#lastStream + 1;
    while (this.#runs.has(this.#lastStream));
    return this.#lastStream;
  }

  #receive(chunk: Buffer, length: number): void {
    if (this.#broken) return;
    try {
      this.#decoder.push(chunk.subarray(0, length));
    } catch (error) {
      this.#broken = true;
      const { message } = error as Error;
      this.#options.log.error(`XGI_WIRE_PROTOCOL: the launcher ${this.pid} is killed: ${message}`);
      this.kill();
    }
  }

  /** All frames of one turn of the event loop leave in one write. */
  #flushSoon(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    setImmediate(() => {
      this.#flushing = false;
      this.#flush();
    });
  }

  #flush(): void {
    const channel = this.#channel;
    if (channel === undefined || channel.destroyed) return;
    this.#frames.flush((bytes) => {
      channel.write(bytes, () => {
        if (!hasLeft) this.#frames.reuse(bytes);
      });
      const hasLeft = channel.writableLength === 0;
      return hasLeft;
    });
  }

  #end(status: string): void {
    const served = this.#ready;
    this.#ready = false;
    const orphans = [...this.#runs.values()].map((run) => run.orphaned(status));
    this.#runs.clear();
    killOrphans(orphans);
    this.#owner.gone(status, served);
  }

  // --- its frames; those of a run that is over have crossed with its end ---

  ready(_info: ReadyInfo): void {
    if (this.#ready) throw new FrameError('READY: a second one');
    this.#ready = true;
    this.#owner.ready();
  }

  log(_stream: number, level: number, text: string): void {
    logWorkerLine(this.#options.log, level, text, { pid: this.pid });
  }

  started(stream: number, pid: number, warm: boolean): void {
    this.#runs.get(stream)?.started(pid, warm);
  }

  data(stream: number, chunk: Buffer): void {
    this.#runs.get(stream)?.data(Buffer.from(chunk));
  }

  stderr(stream: number, bytes: Buffer): void {
    this.#runs.get(stream)?.stderr(Buffer.from(bytes));
  }

  end(stream: number): void {
    this.#runs.get(stream)?.end();
  }

  programEnded(stream: number, end: ProgramEnd): void {
    this.#runs.get(stream)?.programEnded(end);
  }

  bodyCredit(stream: number, bytes: number): void {
    this.#runs.get(stream)?.bodyCredit(bytes);
  }

  bodyClosed(stream: number): void {
    this.#runs.get(stream)?.bodyClosed();
  }

  error(stream: number, failure: WorkerFailure): void {
    this.#runs.get(stream)?.error(failure);
  }
}

/** @returns an error for a launcher that could not be started */
export function launcherFailure(python: string, observed: string): BootError {
  return new BootError(
    'XGI_CGI_LAUNCHER',
    `the launcher of programs does not start with ${python}: ${observed}; choose another interpreter with --python`,
  );
}
