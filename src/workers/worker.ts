/**
 * One worker: the requests it has in hand, and its end.
 *
 * Life: spawned ─ connected ─ READY ─ requests ─ draining ─ gone. It is gone when its process has exited and what it had sent
 * has been read; then every request it had in hand is failed or handed back (loss.ts).
 */
import type { Socket } from 'node:net';
import { FrameError, GatewayError } from '../errors.js';
import type { Log } from '../types.js';
import type { ChunkLease, FileOffer, FrameReceiver } from '../wire/decoder.js';
import {
  LogLevel,
  type Channel,
  type HelloSettings,
  type ReadyInfo,
  type WorkerFailure,
} from '../wire/frames.js';
import type { DispatchTarget } from './dispatcher.js';
import type { Job, JobStream } from './job.js';
import { sortLoss } from './loss.js';
import type { Expected, Rendezvous } from './rendezvous.js';
import { StateFile } from './state-file.js';
import { Task } from './task.js';
import { MAX_DEPTH } from './service-time.js';
import { TaskTable } from './task-table.js';
import { Watchdog, type Watched } from './watchdog.js';
import { WorkerChannels } from './worker-channels.js';
import { WorkerProcess, type WorkerProgram } from './worker-process.js';

export interface WorkerOptions extends WorkerProgram {
  readonly settings: Omit<HelloSettings, 'stateFile'>;
  readonly rendezvous: Rendezvous;
  readonly log: Log;
}

/** Who hears of the worker. */
export interface WorkerOwner {
  ready(worker: Worker, info: ReadyInfo): void;
  /** The application could not be loaded; the process ends by itself. */
  bootFailed(worker: Worker, failure: WorkerFailure): void;
  /** The worker gets no further requests, but has not ended: another one should take its place. */
  retiring(worker: Worker): void;
  /** A request has left the worker after holding its slot so long. */
  ended(worker: Worker, serviceUs: number): void;
  /** Requests that were not started, or whose lost answer can be made again. */
  handedBack(worker: Worker, jobs: readonly Job[]): void;
  /** The worker is no more; `status` tells how the process ended. */
  gone(worker: Worker, status: string): void;
}

/** A forked child may hold the channels open after the worker has exited. */
const CHANNEL_GRACE_MS = 1000;

export class Worker implements DispatchTarget, Expected, FrameReceiver, Watched {
  readonly slots: number;
  readonly startedAtMs: number = performance.now();
  progressAtMs = 0;
  recalling = false;
  draining = false;
  readonly #options: WorkerOptions;
  readonly #owner: WorkerOwner;
  readonly #stateFile: StateFile;
  readonly #token: string;
  readonly #process: WorkerProcess;
  readonly #channels = new WorkerChannels();
  readonly #tasks: TaskTable;
  readonly #watchdog: Watchdog;
  #ready = false;
  #killing: NodeJS.Timeout | undefined;
  #gone = false;

  /** Starts the process. @throws the system's error if that cannot even be tried */
  constructor(options: WorkerOptions, owner: WorkerOwner) {
    this.#options = options;
    this.#owner = owner;
    const { settings, rendezvous, log } = options;
    this.slots = settings.threads;
    this.#tasks = new TaskTable(this.slots * MAX_DEPTH);
    this.#watchdog = new Watchdog(this, this.#tasks, log);
    this.#stateFile = new StateFile(rendezvous.folder, settings.threads);
    this.#token = rendezvous.expect(this);
    const invitation = { socket: rendezvous.socketPath, token: this.#token };
    this.#process = new WorkerProcess(options, invitation, () => this.#exited());
  }

  /** The process id; undefined if the process could not be started. */
  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** It has loaded the application. */
  get isReady(): boolean {
    return this.#ready;
  }

  get inFlight(): number {
    return this.#tasks.size;
  }

  get receiver(): FrameReceiver {
    return this;
  }

  send(job: Job): void {
    const stream = this.#tasks.nextStream();
    if (this.#tasks.size === 0) this.progressAtMs = performance.now();
    this.#channels.data.request({ stream, environ: job.environ, body: job.body, safe: job.safe });
    this.#tasks.add(new Task(job, stream, this.#options.settings.credit));
    this.#channels.flushSoon();
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
    this.#channels.control.recall(streams);
    this.#channels.flushSoon();
  }

  retire(): void {
    this.draining = true;
    this.recall();
    this.#owner.retiring(this);
  }

  /** The client of this job has gone. `false` if the job is not here. */
  abort(job: Job): boolean {
    for (const task of this.#tasks.values()) {
      if (task.job !== job) continue;
      task.job = null;
      this.#channels.control.abort(task.stream);
      this.#channels.flushSoon();
      return true;
    }
    return false;
  }

  /** Ends requests that have run for too long without progress. Called a few times a second. */
  check(nowMs: number, timeoutMs: number): void {
    this.#watchdog.check(nowMs, timeoutMs);
  }

  /** Has the worker raise RequestTimeout in this request. */
  interrupt(stream: number): void {
    this.#channels.control.interrupt(stream);
    this.#channels.flushSoon();
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
    this.#channels.data.drain();
    this.#channels.flushSoon();
  }

  kill(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  connected(channel: Channel, socket: Socket): void {
    this.#channels.opened(channel, socket);
    if (!this.#channels.areOpen) return;
    this.#options.rendezvous.forget(this.#token);
    this.#channels.data.hello({ ...this.#options.settings, stateFile: this.#stateFile.path });
    this.#channels.flushSoon();
  }

  broken(error: Error): void {
    this.draining = true;
    this.#options.log.error(
      `XGI_WIRE_PROTOCOL: worker ${this.pid} broke the frame protocol and is replaced: ${error.message}`,
    );
    this.#channels.destroy('D');
    this.#channels.destroy('C');
    this.kill('SIGKILL');
  }

  ended(channel: Channel): void {
    this.#channels.closed(channel);
    this.draining = true;
    // A worker without its channels is of no use, whatever its process does.
    if (this.#process.exit === undefined && this.#killing === undefined) {
      this.#killing = setTimeout(() => this.kill('SIGKILL'), CHANNEL_GRACE_MS);
    }
    this.#settle();
  }

  #exited(): void {
    this.draining = true;
    clearTimeout(this.#killing);
    this.#options.rendezvous.forget(this.#token);
    // What the worker had sent is still being read; the end of the channel tells that it is all.
    if (this.#channels.isDataOpen) setTimeout(() => this.#channels.destroy('D'), CHANNEL_GRACE_MS).unref();
    this.#settle();
  }

  /** Once the process has exited and its last word is read, disposes of what it had in hand. */
  #settle(): void {
    const { exit } = this.#process;
    if (exit === undefined || this.#channels.isDataOpen || this.#gone) return;
    this.#gone = true;
    this.#channels.destroy('C');
    const { failed, handedBack } = sortLoss(this.#tasks.values(), this.#stateFile.readClaimed());
    this.#stateFile.remove();
    const message = `worker ${this.pid} ended (${exit}) while it ran this request`;
    for (const job of failed) job.fail(new GatewayError(502, 'XGI_WORKER_DIED', message));
    this.#tasks.clear();
    this.#owner.handedBack(this, handedBack);
    this.#owner.gone(this, exit);
  }

  ready(info: ReadyInfo): void {
    if (this.#ready || !this.#channels.areOpen) throw new FrameError('READY: not the answer to HELLO');
    this.#ready = true;
    this.#owner.ready(this, info);
  }

  answer(stream: number, head: string, body: Buffer | string, serviceUs: number, lease: ChunkLease): void {
    const task = this.#task(stream);
    task.answered(body.length);
    this.#tasks.delete(stream);
    task.job?.answer(head, body, lease);
    this.#owner.ended(this, serviceUs);
  }

  head(stream: number, head: string): void {
    const task = this.#task(stream);
    task.begun();
    task.job?.head(head, this.#streamOf(task));
  }

  data(stream: number, chunk: Buffer, lease: ChunkLease): void {
    const task = this.#task(stream);
    task.received(chunk.length);
    if (task.job === null) this.#taken(task, chunk.length);
    else task.job.data(chunk, lease);
  }

  end(stream: number, serviceUs: number): void {
    const task = this.#task(stream);
    task.ended();
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
    const task = this.#task(stream);
    task.offered();
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

  /** The request that a frame is about, which shows progress. */
  #task(stream: number): Task {
    const task = this.#tasks.get(stream);
    if (task === undefined) throw new FrameError(`stream ${stream} is not open`);
    this.progressAtMs = performance.now();
    this.recalling = false;
    task.runningSinceMs = undefined;
    return task;
  }

  #streamOf(task: Task): JobStream {
    return {
      taken: (bytes) => this.#taken(task, bytes),
      fileAck: (taken) => this.#fileAck(task, taken),
    };
  }

  #fileAck(task: Task, taken: boolean): void {
    task.acknowledged(taken);
    this.#channels.control.fileAck(task.stream, taken);
    this.#channels.flushSoon();
  }

  #taken(task: Task, bytes: number): void {
    if (this.#tasks.get(task.stream) === undefined) return;
    const granted = task.taken(bytes);
    if (granted === 0) return;
    this.#channels.control.credit(task.stream, granted);
    this.#channels.flushSoon();
  }
}
