/**
 * Decides which worker gets which request, and when. Knows no sockets and no processes.
 *
 *  * One queue for the application. A worker with a free slot always gets the next request.
 *  * When all slots are taken, requests are sent ahead to the least loaded worker, as deep as the application is quick
 *    (see service-time.ts): several small requests then cross to the worker, and back, in one write.
 *  * A worker that falls silent with requests behind the running one is asked to hand them back, and to send the answers it
 *    has finished; what comes back is first in the queue. So a slow request delays a quick one by the budget, not by its own length.
 */
import type { Job } from './job.js';
import { JobQueue } from './job-queue.js';
import { ServiceTime } from './service-time.js';

/** What the dispatcher needs of a worker. */
export interface DispatchTarget {
  /** Threads that run requests. */
  readonly slots: number;
  /** Requests sent and not ended. */
  readonly inFlight: number;
  /** `performance.now()` of the last sign of progress, or of the first request sent to the idle worker. */
  readonly progressAtMs: number;
  /** Has been asked to hand requests back, and has shown no progress since: nothing is sent ahead meanwhile. */
  readonly recalling: boolean;
  /** The worker is to end: it gets nothing more. */
  readonly draining: boolean;
  send(job: Job): void;
  /** Asks for everything that has not been started. */
  recall(): void;
}

/** Silence after which a worker's waiting requests are called back while another worker is idle; with the round trip this stays inside the budget. */
const RECALL_IDLE_MS = 0.5;
/** The same while all workers are busy: nobody could take them at once, and on a crowded machine a worker is silent for this long now and then. */
const RECALL_BUSY_MS = 4;

export class Dispatcher {
  readonly #targets: DispatchTarget[] = [];
  readonly #serviceTime = new ServiceTime();
  /** Jobs that came back, before those that wait for the first time. */
  readonly #returned = new JobQueue();
  readonly #queue = new JobQueue();
  #watch: NodeJS.Timeout | undefined;

  /** Jobs that wait for a worker. */
  get waiting(): number {
    return this.#returned.size + this.#queue.size;
  }

  /** When the job came that has waited longest; `Infinity` if none waits. */
  get firstArrivedAtMs(): number {
    const [returned, first] = [this.#returned.first, this.#queue.first];
    return Math.min(returned?.arrivedAtMs ?? Infinity, first?.arrivedAtMs ?? Infinity);
  }

  /** Workers that are ready. */
  get workers(): number {
    return this.#targets.length;
  }

  /** Adds a worker that is ready. */
  add(target: DispatchTarget): void {
    this.#targets.push(target);
    this.fill();
  }

  remove(target: DispatchTarget): void {
    const at = this.#targets.indexOf(target);
    if (at !== -1) this.#targets.splice(at, 1);
  }

  submit(job: Job): void {
    // Nobody overtakes a job that waits.
    const target = this.waiting === 0 ? this.#choose() : undefined;
    if (target === undefined) this.#queue.push(job);
    else this.#send(target, job);
  }

  /** Takes a job out of the queue; `false` if it is not there. */
  cancel(job: Job): boolean {
    return this.#returned.delete(job) || this.#queue.delete(job);
  }

  /** Takes back jobs that were sent and not started; they go first. */
  giveBack(jobs: readonly Job[]): void {
    for (const job of jobs) this.#returned.push(job);
    this.fill();
  }

  /** A request ended after holding its slot for this long. */
  ended(serviceUs: number): void {
    this.#serviceTime.observe(serviceUs);
    this.fill();
  }

  /** Gives waiting jobs to workers as far as they can take them. */
  fill(): void {
    while (this.waiting > 0) {
      const target = this.#choose();
      if (target === undefined) return;
      this.#send(target, (this.#returned.shift() ?? this.#queue.shift())!);
    }
  }

  /** Takes out the jobs that came before this time and still wait. */
  takeOlder(arrivedAtMs: number): Job[] {
    const old: Job[] = [];
    for (const queue of [this.#returned, this.#queue]) {
      while (queue.first !== undefined && queue.first.arrivedAtMs < arrivedAtMs) old.push(queue.shift()!);
    }
    return old;
  }

  /** Takes all waiting jobs out: nobody will serve them. */
  clear(): Job[] {
    clearTimeout(this.#watch);
    this.#watch = undefined;
    return [...this.#returned.clear(), ...this.#queue.clear()];
  }

  /** The least loaded worker that may take one more request. */
  #choose(): DispatchTarget | undefined {
    let best: DispatchTarget | undefined;
    let bestLoad = Number.POSITIVE_INFINITY;
    for (const target of this.#targets) {
      if (target.draining) continue;
      const load = target.inFlight / target.slots;
      if (load < bestLoad && (load < 1 || !target.recalling)) {
        best = target;
        bestLoad = load;
      }
    }
    if (best === undefined || bestLoad < 1) return best;
    return best.inFlight < best.slots * this.#serviceTime.depth ? best : undefined;
  }

  #send(target: DispatchTarget, job: Job): void {
    target.send(job);
    if (target.inFlight > target.slots && this.#watch === undefined) this.#startWatch();
  }

  /** While requests wait behind others, looks every millisecond for a worker that has fallen silent. */
  #startWatch(): void {
    this.#watch = setTimeout(() => {
      this.#watch = undefined;
      const nowMs = performance.now();
      const idle = this.#targets.some((target) => !target.draining && target.inFlight < target.slots);
      let ahead = false;
      for (const target of this.#targets) {
        if (target.inFlight <= target.slots) continue;
        ahead = true;
        const silentMs = nowMs - target.progressAtMs;
        if (silentMs < (idle ? RECALL_IDLE_MS : RECALL_BUSY_MS) || target.recalling) continue;
        this.#serviceTime.observe(silentMs * 1000);
        target.recall();
      }
      if (ahead) this.#startWatch();
    }, 1);
  }
}
