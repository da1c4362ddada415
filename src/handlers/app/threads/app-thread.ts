/** One thread that runs the application, as the gateway sees it. */
import { Worker } from 'node:worker_threads';
import { GatewayError, messageOf } from '../../../errors.js';
import type { GatewayRequest, GatewayResponse } from '../../../types.js';
import type { WorkerState, WorkerStatus } from '../../../workers/status.js';
import { type FromThread, type ToThread, unpackError } from './messages.js';
import { Outbox } from './outbox.js';
import { ThreadJob } from './thread-job.js';

/** What runs in a thread. */
export interface ThreadProgram {
  /** How messages name it. */
  readonly name: string;
  /** The module that calls `serveThread`. */
  readonly entry: URL;
  /** What it is told. */
  readonly data: unknown;
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>;
}

export interface ThreadOwner {
  /** One more is ready. */
  ready(): void;
  /** It could not load the application. It ends then. */
  failed(thread: AppThread, error: Error): void;
  files(paths: readonly string[]): void;
  print(line: string): void;
  /** It has ended. @param died requests that it was running @param error what it ended of; undefined for none */
  gone(thread: AppThread, died: number, error: Error | undefined): void;
}

/** A thread that has been told to stop, or is asked for a sign of life, has so long. */
const ANSWER_MS = 1000;

export class AppThread {
  state: WorkerState = 'booting';
  readonly generation: number;
  readonly startedAtMs: number = performance.now();
  hasServed = false;
  /** Requests that have left it. */
  requests = 0;
  readonly #owner: ThreadOwner;
  readonly #worker: Worker;
  readonly #out: Outbox<ToThread>;
  readonly #jobs = new Map<number, ThreadJob>();
  #lastId = 0;
  #error: Error | undefined;
  #drainTimer: NodeJS.Timeout | undefined;
  #answerTimer: NodeJS.Timeout | undefined;
  readonly #ended: Promise<void>;

  constructor(program: ThreadProgram, generation: number, owner: ThreadOwner) {
    this.generation = generation;
    this.#owner = owner;
    this.#worker = new Worker(program.entry, { workerData: program.data, env: program.env, name: 'xgi app' });
    this.#out = new Outbox<ToThread>(this.#worker, (message, why) => this.#unsent(message, why));
    this.#worker.on('message', (messages: readonly FromThread[]) => {
      try {
        for (const message of messages) this.#take(message);
      } catch (error) {
        // An application has the port of its thread, and may say there what is no message of ours.
        this.#error = error as Error;
        this.end();
      }
    });
    this.#worker.on('error', (error) => {
      this.#error = error instanceof Error ? error : new Error(messageOf(error));
    });
    this.#ended = new Promise((resolve) => {
      this.#worker.on('exit', () => {
        this.#gone();
        resolve();
      });
    });
  }

  get id(): number {
    return this.#worker.threadId;
  }

  get inFlight(): number {
    return this.#jobs.size;
  }

  get jobs(): Iterable<ThreadJob> {
    return this.#jobs.values();
  }

  run(request: GatewayRequest): Promise<GatewayResponse> {
    return new Promise((resolve, reject) => {
      const id = ++this.#lastId;
      const over = (): void => this.#over(id);
      const job = new ThreadJob({ id, request, out: this.#out, over, resolve, reject });
      this.#jobs.set(id, job);
      job.submit();
    });
  }

  /** Nobody waits for that one any more. If the thread does not even hear of it, it is ended. */
  giveUp(job: ThreadJob, error: GatewayError): void {
    job.fail(error);
    this.#out.send({ type: 'abort', id: job.id });
    this.#answerTimer ??= setTimeout(() => this.end(), ANSWER_MS);
  }

  /** Gets no further request; ends when it has answered what it has, or after that time. Resolves when it has ended. */
  async drain(graceMs: number): Promise<void> {
    if (this.state !== 'draining') {
      this.state = 'draining';
      this.#drainTimer = setTimeout(() => this.end(), graceMs);
      this.#stopIfIdle();
    }
    await this.#ended;
  }

  /** Ends it now. */
  end(): void {
    void this.#worker.terminate();
  }

  status(nowMs: number): WorkerStatus {
    return {
      pid: process.pid,
      thread: this.id,
      state: this.state,
      generation: this.generation,
      ageMs: Math.round(nowMs - this.startedAtMs),
      requests: this.requests,
      rssBytes: null,
      running: [...this.#jobs.values()].map(({ request, beganAtMs }) => ({
        id: request.id,
        method: request.method,
        path: request.path,
        runningMs: Math.round(nowMs - beganAtMs),
      })),
      ahead: 0,
    };
  }

  #take(message: FromThread): void {
    switch (message.type) {
      case 'ready':
        if (this.state === 'booting') this.state = 'ready';
        this.hasServed = true;
        this.#owner.ready();
        return;
      case 'failed':
        this.#owner.failed(this, unpackError(message.error));
        return;
      case 'files':
        this.#owner.files(message.paths);
        return;
      case 'print':
        this.#owner.print(message.line);
        return;
      case 'aborted':
        clearTimeout(this.#answerTimer);
        this.#answerTimer = undefined;
        return;
      default:
        this.#jobs.get(message.id)?.take(message);
    }
  }

  /** @returns what is sent in its place, should the thread have heard of that request before */
  #unsent(message: ToThread, why: string): ToThread | undefined {
    if (!('id' in message)) return undefined;
    const { id } = message;
    this.#jobs
      .get(id)
      ?.fail(new GatewayError(500, 'XGI_APP_REQUEST', `the request, as middleware has made it: ${why}`));
    return { type: 'abort', id };
  }

  #over(id: number): void {
    this.#jobs.delete(id);
    this.requests += 1;
    this.#stopIfIdle();
  }

  #stopIfIdle(): void {
    if (this.state !== 'draining' || this.#jobs.size > 0) return;
    clearTimeout(this.#drainTimer);
    if (!this.hasServed) {
      this.end();
      return;
    }
    this.#out.send({ type: 'stop' });
    this.#drainTimer = setTimeout(() => this.end(), ANSWER_MS);
  }

  #gone(): void {
    clearTimeout(this.#drainTimer);
    clearTimeout(this.#answerTimer);
    const jobs = [...this.#jobs.values()];
    const why = this.#error === undefined ? '' : `: ${this.#error.message}`;
    for (const job of jobs)
      job.fail(
        new GatewayError(
          502,
          'XGI_WORKER_DIED',
          `the thread of the application ended while it ran this request${why}`,
        ),
      );
    this.#owner.gone(this, jobs.length, this.#error);
  }
}
