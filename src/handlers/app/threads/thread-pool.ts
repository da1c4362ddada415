/**
 * Keeps the threads of one TypeScript application running, as many as there should be and with the present code.
 *
 *  1. `start` boots them; if the application cannot be loaded, all are ended again.
 *  2. A request goes to the thread that runs the fewest: each is an event loop, which takes any number. It waits only where none is ready.
 *  3. A thread that ends is replaced, with growing pauses while none can load the application. What it was running is a 502.
 *  4. A request without an answer at its deadline is a 504, and its thread is replaced: by the time that the new one is ready it gets no further
 *     request. It may finish the others; if its event loop stands still, it is ended. While the client is waited for, no time passes.
 *  5. `reload` starts new threads, and dismisses the old ones when all of those are ready. Code that cannot be loaded changes nothing.
 */
import { BootError, GatewayError } from '../../../errors.js';
import type { GatewayRequest, GatewayResponse, Handler, Log } from '../../../types.js';
import { Backoff } from '../../../workers/backoff.js';
import { NO_TOTALS } from '../../../workers/no-totals.js';
import type { FailureStatus, PoolStatus, PoolTotals } from '../../../workers/status.js';
import { AppThread, type ThreadOwner, type ThreadProgram } from './app-thread.js';
import type { ThreadJob } from './thread-job.js';
import { WaitingRequests } from './waiting-requests.js';

export interface ThreadPoolOptions {
  readonly program: ThreadProgram;
  readonly size: number;
  /** How long a request may run without the head of an answer, beside the time in which it waits for its client; 0 for ever. */
  readonly timeoutMs: number;
  /** How long a request may wait where no thread is ready; 0 for ever. */
  readonly queueTimeoutMs: number;
  readonly gracefulTimeoutMs: number;
  /** Called with the files that the application imports. */
  readonly onFiles: ((paths: readonly string[]) => void) | undefined;
  readonly log: Log;
}

/** Threads that are to become ready, and what is done when they are. */
interface Proof {
  readonly threads: ReadonlySet<AppThread>;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

const CHECK_MS = 100;

export class ThreadPool implements ThreadOwner {
  readonly handler: Handler = (request) => this.#submit(request);
  readonly #options: ThreadPoolOptions;
  readonly #threads = new Set<AppThread>();
  readonly #waiting = new WaitingRequests();
  readonly #backoff = new Backoff();
  readonly #restarts = new Set<NodeJS.Timeout>();
  readonly #totals: { -readonly [Name in keyof PoolTotals]: number } = { ...NO_TOTALS };
  #size: number;
  #generation = 1;
  #proof: Proof | undefined;
  #bootFailure: FailureStatus | undefined;
  #check: NodeJS.Timeout | undefined;
  #isStopping = false;
  #reloads: Promise<unknown> = Promise.resolve();

  constructor(options: ThreadPoolOptions) {
    this.#options = options;
    this.#size = options.size;
  }

  /** @throws BootError if the application cannot be loaded */
  async start(): Promise<void> {
    this.#check = setInterval(() => this.#checkDeadlines(performance.now()), CHECK_MS);
    try {
      await this.#prove(this.#size);
    } catch (error) {
      await this.stop(0);
      throw error;
    }
  }

  /** One after the other. @throws BootError; the old code serves then */
  async reload(): Promise<void> {
    const done = this.#reloads.then(() => this.#reloadNow());
    this.#reloads = done.catch(() => {});
    await done;
  }

  scale(size: number): void {
    this.#size = size;
    this.#fill();
    const serving = this.#serving();
    for (const thread of serving.slice(size)) void thread.drain(this.#options.gracefulTimeoutMs);
  }

  async stop(graceMs: number): Promise<void> {
    this.#isStopping = true;
    clearInterval(this.#check);
    for (const timer of this.#restarts) clearTimeout(timer);
    this.#waiting.refuseAll(stopping);
    this.#proof?.reject(new BootError('XGI_STOPPING', 'the server is being stopped'));
    const ended = [...this.#threads].map((thread) => thread.drain(graceMs));
    if (graceMs === 0) for (const thread of this.#threads) thread.end();
    await Promise.all(ended);
  }

  status(): PoolStatus {
    const nowMs = performance.now();
    return {
      generation: this.#generation,
      queue: { waiting: this.#waiting.size, oldestMs: this.#waiting.oldestMs(nowMs) },
      bootFailure: this.#bootFailure ?? null,
      workers: [...this.#threads].map((thread) => thread.status(nowMs)),
      totals: {
        ...this.#totals,
        requests: [...this.#threads].reduce((sum, { requests }) => sum + requests, this.#totals.requests),
      },
    };
  }

  ready(): void {
    this.#backoff.reset();
    this.#bootFailure = undefined;
    this.#serveWaiting();
    const proof = this.#proof;
    if (proof !== undefined && [...proof.threads].every(({ hasServed }) => hasServed)) proof.resolve();
  }

  failed(thread: AppThread, error: Error): void {
    const { code = 'XGI_APP_LOAD', message, detail = '' } = error as Partial<BootError> & Error;
    this.#bootFailure = { code, message, traceback: detail };
    const options = detail === '' ? {} : { detail };
    // At the start, and for a reload, it is told by who asked for it.
    if (this.#proof?.threads.has(thread) === true) this.#proof.reject(new BootError(code, message, options));
    else this.#options.log.error(`${code}: ${message}`, options);
    thread.end();
  }

  files(paths: readonly string[]): void {
    this.#options.onFiles?.(paths);
  }

  print(line: string): void {
    this.#options.log.error(line);
  }

  gone(thread: AppThread, died: number, error: Error | undefined): void {
    this.#threads.delete(thread);
    this.#totals.requests += thread.requests;
    this.#totals.died += died;
    if (this.#isStopping || thread.state === 'draining') return;
    const why = error === undefined ? 'it exited' : error.message;
    if (thread.hasServed) {
      this.#totals.crashed += 1;
      this.#options.log.error(
        `XGI_WORKER_DIED: thread ${thread.generation}.${this.#totals.crashed} of ${this.#options.program.name} has ended, with ${died} requests: ${why}`,
        error?.stack === undefined ? {} : { detail: error.stack },
      );
    }
    if (this.#proof?.threads.has(thread) === true) {
      this.#proof.reject(
        new BootError('XGI_APP_LOAD', `a thread ended while it loaded the application: ${why}`),
      );
      return;
    }
    const pauseMs = this.#backoff.next(performance.now(), thread.startedAtMs, thread.hasServed);
    const timer = setTimeout(() => {
      this.#restarts.delete(timer);
      this.#fill();
    }, pauseMs);
    this.#restarts.add(timer);
  }

  /** Those with the present code that are not to end. */
  #serving(): AppThread[] {
    return [...this.#threads].filter(
      ({ state, generation }) => state !== 'draining' && generation === this.#generation,
    );
  }

  #fill(): void {
    if (this.#isStopping) return;
    for (let missing = this.#size - this.#serving().length; missing > 0; missing--)
      this.#boot(this.#generation);
  }

  #boot(generation: number): AppThread {
    const thread = new AppThread(this.#options.program, generation, this);
    this.#threads.add(thread);
    this.#totals.booted += 1;
    return thread;
  }

  /** Resolves when so many threads of the next code are ready. */
  async #prove(count: number, generation = this.#generation): Promise<void> {
    const threads = new Set(Array.from({ length: count }, () => this.#boot(generation)));
    try {
      await new Promise<void>((resolve, reject) => {
        this.#proof = { threads, resolve, reject };
      });
    } catch (error) {
      for (const thread of threads) {
        thread.state = 'draining';
        thread.end();
      }
      throw error;
    } finally {
      this.#proof = undefined;
    }
  }

  async #reloadNow(): Promise<void> {
    if (this.#isStopping) throw new BootError('XGI_STOPPING', 'the server is being stopped');
    await this.#prove(this.#size, this.#generation + 1);
    this.#generation += 1;
    for (const thread of this.#threads)
      if (thread.generation < this.#generation) void thread.drain(this.#options.gracefulTimeoutMs);
    // Threads may have been asked for, or lost, meanwhile.
    this.scale(this.#size);
    this.#serveWaiting();
  }

  #submit(request: GatewayRequest): Promise<GatewayResponse> {
    if (this.#isStopping) return Promise.reject(stopping());
    return this.#leastLoaded()?.run(request) ?? this.#waiting.add(request);
  }

  /** Code that is not proven yet gets nothing. */
  #leastLoaded(): AppThread | undefined {
    let best: AppThread | undefined;
    for (const thread of this.#threads) {
      if (thread.state !== 'ready' || thread.generation !== this.#generation) continue;
      if (best === undefined || thread.inFlight < best.inFlight) best = thread;
    }
    return best;
  }

  #serveWaiting(): void {
    this.#waiting.serve(() => {
      const thread = this.#leastLoaded();
      return thread && ((request) => thread.run(request));
    });
  }

  #checkDeadlines(nowMs: number): void {
    const { timeoutMs, queueTimeoutMs } = this.#options;
    if (queueTimeoutMs !== 0)
      this.#totals.queueTimeouts += this.#waiting.refuseLate(nowMs, queueTimeoutMs, () => this.#notReady());
    if (timeoutMs === 0) return;
    for (const thread of this.#threads)
      for (const job of thread.jobs) if (job.waitedMs(nowMs) >= timeoutMs) this.#expire(thread, job);
  }

  #expire(thread: AppThread, job: ThreadJob): void {
    this.#totals.timeouts += 1;
    const seconds = this.#options.timeoutMs / 1000;
    const message = `no answer after ${seconds} s; the thread is replaced; see --timeout`;
    thread.giveUp(job, new GatewayError(504, 'XGI_APP_TIMEOUT', message));
    if (thread.state === 'draining') return;
    void thread.drain(this.#options.gracefulTimeoutMs);
    this.#fill();
  }

  #notReady(): GatewayError {
    const { bootFailure } = this.status();
    const why = bootFailure === null ? '' : `; last ${bootFailure.code}: ${bootFailure.message}`;
    return new GatewayError(503, 'XGI_APP_NOT_LOADED', `no thread of the application is ready${why}`);
  }
}

function stopping(): GatewayError {
  return new GatewayError(503, 'XGI_STOPPING', 'the server is being stopped');
}
