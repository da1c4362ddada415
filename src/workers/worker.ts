/**
 * One worker process: its two channels, the requests it has in hand, and its end.
 *
 * Life: spawned ─ connected ─ READY ─ requests ─ draining ─ gone. It is gone when its process has exited and what it had sent
 * has been read; then every request it had in hand is failed or handed back, never lost and never run twice
 * (docs/protocol.md, "Started, not started").
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import type { Socket } from 'node:net';
import { FrameError, GatewayError } from '../errors.js';
import type { Log } from '../types.js';
import type { ChunkLease, FileOffer, FrameReceiver } from '../wire/decoder.js';
import { FrameEncoder } from '../wire/encoder.js';
import {
  LogLevel,
  MAX_STREAM_ID,
  type Channel,
  type HelloSettings,
  type ReadyInfo,
  type WorkerFailure,
} from '../wire/frames.js';
import type { DispatchTarget } from './dispatcher.js';
import type { Job, JobStream } from './job.js';
import type { Expected, Rendezvous } from './rendezvous.js';

export interface WorkerOptions {
  readonly python: string;
  /** The folder of the Python side, run by path. */
  readonly program: string;
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly settings: Omit<HelloSettings, 'stateFile'>;
  readonly rendezvous: Rendezvous;
  readonly log: Log;
}

/** Who hears of the worker. */
export interface WorkerOwner {
  ready(worker: Worker, info: ReadyInfo): void;
  /** The application could not be loaded; the process ends by itself. */
  bootFailed(worker: Worker, failure: WorkerFailure): void;
  /** A request has left the worker after holding its slot so long. */
  ended(worker: Worker, serviceUs: number): void;
  /** Requests that were not started, or whose lost answer can be made again. */
  handedBack(worker: Worker, jobs: readonly Job[]): void;
  /** The worker is no more; `status` tells how the process ended. */
  gone(worker: Worker, status: string): void;
}

/** A request in the worker's hand. */
interface Task {
  /** null once its answer is not wanted any more. */
  job: Job | null;
  /** Whose request it is, whoever still wants the answer: for the log. */
  readonly origin: Job;
  readonly stream: number;
  headSeen: boolean;
  /** A FILE waits for its FILE_ACK, or was taken: then only the end may follow. */
  file: 'none' | 'offered' | 'taken';
  /** The body bytes the worker may still send. */
  credit: number;
  /** Bytes the client has taken and the worker has not been told of. */
  ungranted: number;
  /** When the request was first seen to be running without progress; undefined while it waits, or while the client is to take something. */
  runningSinceMs: number | undefined;
  interruptedAtMs: number | undefined;
}

/** Credit is given back in pieces of at least a quarter of the window. */
const CREDIT_PIECES = 4;
/** After an INTERRUPT, until SIGABRT; and from there to SIGKILL. */
const INTERRUPT_GRACE_MS = 1000;
const ABORT_GRACE_MS = 1000;
/** A forked child may hold the channels open after the worker has exited. */
const CHANNEL_GRACE_MS = 1000;

let count = 0;

export class Worker implements DispatchTarget, Expected, FrameReceiver {
  readonly slots: number;
  readonly startedAtMs: number = performance.now();
  progressAtMs = 0;
  recalling = false;
  draining = false;
  readonly #options: WorkerOptions;
  readonly #owner: WorkerOwner;
  readonly #process: ChildProcess;
  readonly #token: string;
  readonly #stateFile: string;
  /** Kept open, so that the file can be read whatever has become of its folder. */
  readonly #stateFd: number;
  readonly #tasks = new Map<number, Task>();
  readonly #dataOut = new FrameEncoder();
  readonly #controlOut = new FrameEncoder();
  #data: Socket | undefined;
  #control: Socket | undefined;
  #lastStream = 0;
  #flushing = false;
  #exit: string | undefined;
  #gone = false;
  #ready = false;
  #killing: NodeJS.Timeout | undefined;

  constructor(options: WorkerOptions, owner: WorkerOwner) {
    this.#options = options;
    this.#owner = owner;
    const { settings, rendezvous } = options;
    this.slots = settings.threads;
    this.#stateFile = `${rendezvous.folder}/state-${++count}`;
    this.#stateFd = openSync(this.#stateFile, 'wx+', 0o600);
    writeSync(this.#stateFd, Buffer.alloc(4 * settings.threads));
    this.#token = rendezvous.expect(this);
    this.#process = spawn(options.python, [options.program], {
      cwd: options.cwd,
      env: options.env,
      stdio: ['pipe', 'inherit', 'inherit'],
    });
    this.#process.on('error', (error) => this.#exited(`could not be started: ${error.message}`));
    this.#process.on('exit', (code, signal) =>
      this.#exited(signal === null ? `status ${code}` : `signal ${signal}`),
    );
    // A process that dies before it has read its line is reported by its exit; one that could not be made has no stdin.
    this.#process.stdin?.on('error', () => {});
    this.#process.stdin?.end(`${JSON.stringify({ socket: rendezvous.socketPath, token: this.#token })}\n`);
  }

  /** The process id; 0 if the process could not be started. */
  get pid(): number {
    return this.#process.pid ?? 0;
  }

  get inFlight(): number {
    return this.#tasks.size;
  }

  get receiver(): FrameReceiver {
    return this;
  }

  // --- towards the worker ---

  send(job: Job): void {
    const stream = this.#lastStream === MAX_STREAM_ID ? 1 : this.#lastStream + 1;
    this.#lastStream = stream;
    if (this.#tasks.size === 0) this.progressAtMs = performance.now();
    this.#dataOut.request({ stream, environ: job.environ, body: job.body, safe: job.safe });
    this.#tasks.set(stream, {
      job,
      origin: job,
      stream,
      headSeen: false,
      file: 'none',
      credit: this.#options.settings.credit,
      ungranted: 0,
      runningSinceMs: undefined,
      interruptedAtMs: undefined,
    });
    this.#flushSoon();
  }

  recall(): void {
    const streams: number[] = [];
    let position = 0;
    for (const task of this.#tasks.values()) {
      // The first ones are running; what has a head is running too.
      if (position++ >= this.slots && !task.headSeen) streams.push(task.stream);
    }
    if (streams.length === 0) return;
    this.recalling = true;
    this.#controlOut.recall(streams);
    this.#flushSoon();
  }

  /** The client of this job has gone. `false` if the job is not here. */
  abort(job: Job): boolean {
    for (const task of this.#tasks.values()) {
      if (task.job !== job) continue;
      task.job = null;
      this.#controlOut.abort(task.stream);
      this.#flushSoon();
      return true;
    }
    return false;
  }

  /** No further requests: the worker answers what it has and exits. */
  drain(): void {
    if (this.draining) return;
    this.draining = true;
    if (!this.#ready) {
      // It is importing the application and would not hear of it; nothing can be lost.
      this.kill('SIGKILL');
      return;
    }
    this.#dataOut.drain();
    this.#flushSoon();
  }

  kill(signal: NodeJS.Signals): void {
    if (this.#exit === undefined) this.#process.kill(signal);
  }

  /** All frames of one turn of the loop leave in one write for each channel. */
  #flushSoon(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    setImmediate(this.#flush);
  }

  readonly #flush = (): void => {
    this.#flushing = false;
    if (this.#data !== undefined) flushTo(this.#data, this.#dataOut);
    if (this.#control !== undefined) flushTo(this.#control, this.#controlOut);
  };

  // --- the channels ---

  connected(channel: Channel, socket: Socket): void {
    if (channel === 'D') this.#data = socket;
    else this.#control = socket;
    if (this.#data === undefined || this.#control === undefined) return;
    this.#options.rendezvous.forget(this.#token);
    this.#dataOut.hello({ ...this.#options.settings, stateFile: this.#stateFile });
    this.#flushSoon();
  }

  broken(error: Error): void {
    this.draining = true;
    this.#options.log.error(
      `XGI_WIRE_PROTOCOL: worker ${this.pid} broke the frame protocol and is replaced: ${error.message}`,
    );
    this.#data?.destroy();
    this.#control?.destroy();
    this.kill('SIGKILL');
  }

  ended(channel: Channel): void {
    if (channel === 'D') this.#data = undefined;
    else this.#control = undefined;
    this.draining = true;
    // A worker without its channels is of no use, whatever its process does.
    if (this.#exit === undefined && this.#killing === undefined) {
      this.#killing = setTimeout(() => this.kill('SIGKILL'), CHANNEL_GRACE_MS);
    }
    this.#settle();
  }

  #exited(status: string): void {
    if (this.#exit !== undefined) return;
    this.#exit = status;
    this.draining = true;
    clearTimeout(this.#killing);
    this.#options.rendezvous.forget(this.#token);
    // What the worker had sent is still being read; the end of the channel tells that it is all.
    if (this.#data !== undefined) setTimeout(() => this.#data?.destroy(), CHANNEL_GRACE_MS).unref();
    this.#settle();
  }

  /** Once the process has exited and its last word is read, disposes of what it had in hand. */
  #settle(): void {
    if (this.#exit === undefined || this.#data !== undefined || this.#gone) return;
    this.#gone = true;
    this.#control?.destroy();
    const running = this.#running();
    closeSync(this.#stateFd);
    rmSync(this.#stateFile, { force: true });
    const handedBack: Job[] = [];
    for (const { job, stream, headSeen, interruptedAtMs } of this.#tasks.values()) {
      if (job === null || interruptedAtMs !== undefined) continue;
      const started = running.some((id) => id !== 0 && !isLater(stream, id));
      if (headSeen || running.includes(stream) || (started && !job.safe && this.slots === 1)) {
        job.fail(
          new GatewayError(
            502,
            'XGI_WORKER_DIED',
            `worker ${this.pid} ended (${this.#exit}) while it ran this request`,
          ),
        );
      } else {
        handedBack.push(job);
      }
    }
    this.#tasks.clear();
    this.#owner.handedBack(this, handedBack);
    this.#owner.gone(this, this.#exit);
  }

  /** The stream ids that the worker had claimed last, one for each thread. */
  #running(): number[] {
    const bytes = Buffer.alloc(4 * this.slots);
    readSync(this.#stateFd, bytes, 0, bytes.length, 0);
    return Array.from({ length: this.slots }, (_, i) => bytes.readUInt32LE(i * 4));
  }

  // --- from the worker ---

  ready(info: ReadyInfo): void {
    if (this.#ready || this.#data === undefined || this.#control === undefined)
      throw new FrameError('READY: not the answer to HELLO');
    this.#ready = true;
    this.#owner.ready(this, info);
  }

  answer(stream: number, head: string, body: Buffer | string, serviceUs: number, lease: ChunkLease): void {
    const task = this.#task(stream);
    if (task.headSeen) throw new FrameError(`HEAD: a second one on stream ${stream}`);
    if (body.length > task.credit)
      throw new FrameError(`HEAD: ${body.length} bytes of body, beyond the credit`);
    this.#tasks.delete(stream);
    task.job?.answer(head, body, lease);
    this.#owner.ended(this, serviceUs);
  }

  head(stream: number, head: string): void {
    const task = this.#task(stream);
    if (task.headSeen) throw new FrameError(`HEAD: a second one on stream ${stream}`);
    task.headSeen = true;
    task.job?.head(head, this.#streamOf(task));
  }

  data(stream: number, chunk: Buffer, lease: ChunkLease): void {
    const task = this.#begun(stream, 'DATA');
    if (task.file === 'taken') throw new FrameError(`DATA: after a file was taken on stream ${stream}`);
    if (chunk.length > task.credit) throw new FrameError(`DATA: ${chunk.length} bytes, beyond the credit`);
    task.credit -= chunk.length;
    if (task.job === null) this.#taken(task, chunk.length);
    else task.job.data(chunk, lease);
  }

  end(stream: number, serviceUs: number): void {
    const task = this.#begun(stream, 'END');
    this.#tasks.delete(stream);
    task.job?.end();
    this.#owner.ended(this, serviceUs);
  }

  error(stream: number, failure: WorkerFailure, serviceUs: number): void {
    if (stream === 0) {
      if (this.#ready) throw new FrameError('ERROR: on stream 0 after READY');
      this.draining = true;
      this.#owner.bootFailed(this, failure);
      return;
    }
    const task = this.#task(stream);
    this.#tasks.delete(stream);
    const message = `the application raised ${failure.class}: ${failure.message}`;
    task.job?.fail(new GatewayError(500, 'XGI_APP_RAISED', message, { detail: failure.traceback }), failure);
    this.#owner.ended(this, serviceUs);
  }

  file(stream: number, offer: FileOffer): void {
    const task = this.#begun(stream, 'FILE');
    if (task.file === 'taken') throw new FrameError(`FILE: after a file was taken on stream ${stream}`);
    task.file = 'offered';
    if (task.job === null) this.#fileAck(task, false);
    else task.job.file(offer);
  }

  log(stream: number, level: number, text: string): void {
    const requestId = this.#tasks.get(stream)?.origin.id;
    const fields = requestId === undefined ? { pid: this.pid } : { pid: this.pid, requestId };
    const { log } = this.#options;
    const line = text.endsWith('\n') ? text.slice(0, -1) : text;
    if (level === LogLevel.ERROR) log.error(line, fields);
    else if (level === LogLevel.WARNING) log.warn(line, fields);
    else log.info(line, fields);
  }

  recalled(streams: readonly number[]): void {
    const tasks = new Set<Task>();
    for (const stream of streams) {
      const task = this.#tasks.get(stream);
      if (task === undefined || task.headSeen || tasks.has(task))
        throw new FrameError(`RECALLED: stream ${stream} was not waiting`);
      tasks.add(task);
    }
    const jobs: Job[] = [];
    for (const { stream, job } of tasks) {
      this.#tasks.delete(stream);
      if (job !== null) jobs.push(job);
    }
    // What runs is slow: until it shows progress, nothing is sent behind it again. What was sent behind it since, while its
    // last answers looked like progress, is to be recalled as well.
    this.recalling = this.#tasks.size > 0 && this.#tasks.size <= this.slots;
    this.#owner.handedBack(this, jobs);
  }

  pong(): void {
    this.progressAtMs = performance.now();
  }

  #task(stream: number): Task {
    const task = this.#tasks.get(stream);
    if (task === undefined) throw new FrameError(`stream ${stream} is not open`);
    this.progressAtMs = performance.now();
    this.recalling = false;
    task.runningSinceMs = undefined;
    return task;
  }

  /** A task whose answer has begun and may go on now. */
  #begun(stream: number, frame: string): Task {
    const task = this.#task(stream);
    if (!task.headSeen) throw new FrameError(`${frame}: before HEAD on stream ${stream}`);
    if (task.file === 'offered') throw new FrameError(`${frame}: before FILE_ACK on stream ${stream}`);
    return task;
  }

  #streamOf(task: Task): JobStream {
    return {
      taken: (bytes) => this.#taken(task, bytes),
      fileAck: (taken) => this.#fileAck(task, taken),
    };
  }

  #fileAck(task: Task, taken: boolean): void {
    task.file = taken ? 'taken' : 'none';
    this.#controlOut.fileAck(task.stream, taken);
    this.#flushSoon();
  }

  #taken(task: Task, bytes: number): void {
    task.ungranted += bytes;
    if (task.ungranted < this.#options.settings.credit / CREDIT_PIECES || !this.#tasks.has(task.stream))
      return;
    this.#controlOut.credit(task.stream, task.ungranted);
    task.credit += task.ungranted;
    task.ungranted = 0;
    this.#flushSoon();
  }

  // --- deadlines ---

  /** Ends requests that have run for too long without progress. Called a few times a second. */
  check(nowMs: number, timeoutMs: number): void {
    let position = 0;
    for (const task of this.#tasks.values()) {
      if (position++ >= this.slots) return;
      if (task.interruptedAtMs !== undefined) this.#escalate(task, nowMs);
      // The client is to take something first: that is the connection's deadline.
      else if (task.headSeen && task.credit < this.#options.settings.credit / CREDIT_PIECES)
        task.runningSinceMs = undefined;
      else if (task.runningSinceMs === undefined) task.runningSinceMs = nowMs;
      else if (timeoutMs > 0 && nowMs - task.runningSinceMs > timeoutMs)
        this.#interrupt(task, nowMs, timeoutMs);
    }
  }

  #interrupt(task: Task, nowMs: number, timeoutMs: number): void {
    task.interruptedAtMs = nowMs;
    this.#controlOut.interrupt(task.stream);
    this.#flushSoon();
    const { job } = task;
    task.job = null;
    job?.fail(
      new GatewayError(
        504,
        'XGI_APP_TIMEOUT',
        `no answer after ${timeoutMs / 1000} s; worker ${this.pid} is interrupted, its stack follows; see --timeout`,
      ),
    );
  }

  #escalate(task: Task, nowMs: number): void {
    const elapsedMs = nowMs - task.interruptedAtMs!;
    if (elapsedMs > INTERRUPT_GRACE_MS + ABORT_GRACE_MS) this.kill('SIGKILL');
    else if (elapsedMs > INTERRUPT_GRACE_MS && !this.draining) {
      this.#options.log.error(
        `XGI_WORKER_STUCK: worker ${this.pid} did not react to its interrupt and is killed`,
      );
      this.draining = true;
      // The interpreter's fault handler prints all stacks, whoever holds its lock.
      this.kill('SIGABRT');
    }
  }
}

function flushTo(socket: Socket, frames: FrameEncoder): void {
  frames.flush((bytes) => {
    socket.write(bytes);
    return socket.writableLength === 0;
  });
}

/** Whether stream `a` was opened after stream `b` (serial numbers, RFC 1982). */
function isLater(a: number, b: number): boolean {
  return a !== b && (a - b) >>> 0 < 0x8000_0000;
}
