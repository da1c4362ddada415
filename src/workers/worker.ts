/**
 * One worker: the requests it has in hand, and its end.
 *
 * Life: started ─ connected ─ READY ─ requests ─ draining ─ gone. It is gone when its process has exited and what it had sent
 * has been read; then every request it had in hand is failed or handed back (loss.ts).
 */
import type { Socket } from 'node:net';
import { FrameError, GatewayError } from '../errors.js';
import type { Log } from '../types.js';
import type { ChunkLease, FileOffer, FrameReceiver } from '../wire/decoder.js';
import type { Channel, HelloSettings, ReadyInfo, WorkerFailure } from '../wire/frames.js';
import type { Member } from './crew-plan.js';
import type { DispatchTarget } from './dispatcher.js';
import type { Generation } from './generation.js';
import type { Job, JobStream } from './job.js';
import { sortLoss } from './loss.js';
import type { Lifetime } from './recycling.js';
import type { Expected, Rendezvous } from './rendezvous.js';
import type { RunningRequest, WorkerStatus } from './status.js';
import { StateFile } from './state-file.js';
import { Task } from './task.js';
import { MAX_DEPTH } from './service-time.js';
import { TaskTable } from './task-table.js';
import { Watchdog, type Watched } from './watchdog.js';
import { WorkerChannels } from './worker-channels.js';
import { logWorkerLine } from './worker-log.js';
import type { WorkerProcess } from './worker-process.js';
import { WorkerStderr, type PassOn } from './worker-stderr.js';

export interface WorkerOptions {
  readonly generation: Generation;
  readonly settings: Omit<HelloSettings, 'stateFile'>;
  readonly lifetime: Lifetime;
  readonly rendezvous: Rendezvous;
  readonly log: Log;
  readonly passOn: PassOn;
}

/** Who hears of the worker. */
export interface WorkerOwner {
  /** Its process runs. */
  started(worker: Worker): void;
  ready(worker: Worker, info: ReadyInfo): void;
  /** The application could not be loaded; the process ends by itself. */
  bootFailed(worker: Worker, failure: WorkerFailure): void;
  /** It has served enough, or, without a reason, gets no further requests: another one should take its place. */
  due(worker: Worker, reason?: string): void;
  /** A request is past its deadline. */
  timedOut(worker: Worker): void;
  /** Files that the application has imported. */
  files(paths: readonly string[]): void;
  /** A request has left the worker after holding its slot so long. */
  ended(worker: Worker, serviceUs: number): void;
  /** Requests that were not started, or whose lost answer can be made again. */
  handedBack(worker: Worker, jobs: readonly Job[]): void;
  /** The worker is no more; `status` tells how the process ended, and `died` how many requests it was running. */
  gone(worker: Worker, status: string, died: number): void;
}

/** Between the last word of a worker and its exit. */
const EXIT_GRACE_MS = 1000;
/** A forked child may hold the channels open after the worker has exited. */
const CHANNEL_GRACE_MS = 1000;

export class Worker implements DispatchTarget, Expected, FrameReceiver, Watched, Member {
  readonly channels = ['D', 'C'] as const;
  readonly generation: Generation;
  readonly slots: number;
  readonly startedAtMs: number = performance.now();
  progressAtMs = 0;
  recalling = false;
  draining = false;
  /** It has served enough: a successor is to take its place. */
  isDue = false;
  /** Its successor is there, or it is not needed: its end is no surprise. */
  isDismissed = false;
  /** Requests that have left it. */
  requests = 0;
  /** Not known before it has been measured. */
  rssBytes: number | null = null;
  /** It was larger than it may be before it had served anything: to replace it would not help. */
  isBornLarge = false;
  readonly #options: WorkerOptions;
  readonly #owner: WorkerOwner;
  readonly #stateFile: StateFile;
  readonly #token: string;
  readonly #process: WorkerProcess;
  readonly #stderr: WorkerStderr;
  readonly #channels = new WorkerChannels();
  readonly #tasks: TaskTable;
  readonly #watchdog: Watchdog;
  #ready = false;
  /** Until when it may finish what it has. */
  #graceEndMs = Number.POSITIVE_INFINITY;
  #killing: NodeJS.Timeout | undefined;
  #gone = false;

  /** Starts the process. @throws the system's error if that cannot even be tried */
  constructor(options: WorkerOptions, owner: WorkerOwner) {
    this.#options = options;
    this.#owner = owner;
    const { generation, settings, rendezvous, log } = options;
    this.generation = generation;
    this.slots = settings.threads;
    this.#tasks = new TaskTable(this.slots * MAX_DEPTH);
    this.#watchdog = new Watchdog(this, this.#tasks, log);
    this.#stateFile = new StateFile(rendezvous.folder, settings.threads);
    this.#stderr = new WorkerStderr(rendezvous.folder, options.passOn);
    this.#token = rendezvous.expect(this);
    try {
      this.#process = this.#start();
    } catch (error) {
      rendezvous.forget(this.#token);
      this.#stateFile.remove();
      throw error;
    }
    generation.workerStarted();
  }

  #start(): WorkerProcess {
    const { generation, rendezvous } = this.#options;
    return generation.launcher.launch(
      { socket: rendezvous.socketPath, token: this.#token, stderr: this.#stderr.path, role: 'worker' },
      { started: () => this.#owner.started(this), exited: () => this.#exited() },
    );
  }

  /** The process id; undefined if the process could not be started. */
  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** It has loaded the application. */
  get isReady(): boolean {
    return this.#ready;
  }

  get lifetime(): Lifetime {
    return this.#options.lifetime;
  }

  get isFresh(): boolean {
    return !this.isDue && this.generation.isCurrent;
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
    // The thread may come to itself after all.
    this.dismiss(Number.POSITIVE_INFINITY);
    this.#owner.due(this);
  }

  timedOut(): void {
    this.#owner.timedOut(this);
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

  /** Ends requests that have run for too long without progress, and itself when its time is over. Called a few times a second. */
  check(nowMs: number, timeoutMs: number): void {
    this.#watchdog.check(nowMs, timeoutMs);
    if (nowMs <= this.#graceEndMs) return;
    this.#graceEndMs = Number.POSITIVE_INFINITY;
    this.#options.log.warn(
      `XGI_WORKER_DRAIN: worker ${this.pid} has not finished ${this.inFlight} of its requests in the grace period and is killed; see --graceful-timeout`,
    );
    this.kill('SIGKILL');
  }

  /** Has the worker raise RequestTimeout in this request. */
  interrupt(stream: number): void {
    this.#channels.control.interrupt(stream);
    this.#channels.flushSoon();
  }

  /**
   * No further requests: the worker finishes what it runs, hands back the rest, and exits. It is killed if it has not done so
   * after `graceMs`.
   */
  dismiss(graceMs: number): void {
    if (this.isDismissed) return;
    this.isDismissed = true;
    this.draining = true;
    if (!this.#ready) {
      // It is importing the application and would not hear of it; nothing can be lost.
      this.kill('SIGKILL');
      return;
    }
    this.#graceEndMs = performance.now() + graceMs;
    this.recall();
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
    this.#stderr.open();
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
    this.#killSoon();
    this.#settle();
  }

  /** It is about to exit; a thread of the application, say, may keep it from that. */
  #killSoon(): void {
    if (this.#process.exit !== undefined) return;
    this.#killing ??= setTimeout(() => this.kill('SIGKILL'), EXIT_GRACE_MS);
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
    this.#owner.gone(this, exit, failed.length);
    this.#stderr.release();
    this.generation.workerGone();
  }

  /** What it wrote last to its standard error; '' if it wrote nothing. */
  get lastWords(): string {
    return this.#stderr.readLast();
  }

  /** The requests that it runs, and how many wait behind them. */
  status(nowMs: number): Pick<WorkerStatus, 'running' | 'ahead'> {
    const running: RunningRequest[] = [];
    let position = 0;
    for (const task of this.#tasks.values())
      if (position++ < this.slots) running.push(describeTask(task, nowMs));
    return { running, ahead: this.#tasks.size - running.length };
  }

  files(paths: readonly string[]): void {
    this.#owner.files(paths);
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
    this.#left(serviceUs);
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
    this.#left(serviceUs);
  }

  error(stream: number, failure: WorkerFailure, serviceUs: number): void {
    if (stream === 0) {
      if (this.#ready) throw new FrameError('ERROR: on stream 0 after READY');
      this.draining = true;
      this.#killSoon();
      this.#owner.bootFailed(this, failure);
      return;
    }
    const task = this.#task(stream);
    this.#tasks.delete(stream);
    task.job?.fail(requestError(failure), failure);
    this.#left(serviceUs);
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
    logWorkerLine(this.#options.log, level, text, fields);
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

  /** A request has left it. */
  #left(serviceUs: number): void {
    if (++this.requests === this.#options.lifetime.maxRequests)
      this.#owner.due(this, `${this.requests} requests, see --max-requests`);
    this.#owner.ended(this, serviceUs);
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

function requestError({ class: name, message, traceback, hint }: WorkerFailure): GatewayError {
  const options = { detail: traceback };
  if (hint === 'violation') return new GatewayError(500, 'XGI_WSGI_VALIDATE', message, options);
  return new GatewayError(500, 'XGI_APP_RAISED', `the application raised ${name}: ${message}`, options);
}

function describeTask({ origin, runningSinceMs }: Task, nowMs: number): RunningRequest {
  const environ = origin.environ.split('\0');
  // Names stand at even places: a value may be anything.
  const valueOf = (name: string): string =>
    environ[environ.findIndex((text, at) => at % 2 === 0 && text === name) + 1] ?? '';
  return {
    id: origin.id,
    method: valueOf('REQUEST_METHOD'),
    // As WSGI has it: bytes as latin-1 (PEP 3333).
    path: Buffer.from(valueOf('PATH_INFO'), 'latin1').toString(),
    runningMs: Math.round(nowMs - (runningSinceMs ?? nowMs)),
  };
}
