/** Who waits for which reload. One runs at a time; those who ask meanwhile share the next one, for which they may have changed something. */
import type { BootError } from '../errors.js';

/** Or why the old code goes on. */
export type ReloadResult<Failure = BootError> = 'reloaded' | Failure;

/**
 * A reload that takes longer is given up for the next one: an import may hang for ever. Twice as long after each that was given up, so that an
 * application which takes its time is loaded in the end, however often somebody asks.
 */
const PATIENCE_MS = 10_000;

interface Pending<Failure> {
  readonly promise: Promise<ReloadResult<Failure>>;
  readonly resolve: (result: ReloadResult<Failure>) => void;
}

export interface ReloadsOwner {
  /** Starts a reload, whatever has become of the one before. */
  begin(): void;
  /** The present reload has taken so long; another one begins. */
  givenUp(afterMs: number): void;
}

export class Reloads<Failure = BootError> {
  readonly #owner: ReloadsOwner;
  #running: (Pending<Failure> & { beganAtMs: number }) | undefined;
  #next: Pending<Failure> | undefined;
  #patience: NodeJS.Timeout | undefined;
  #patienceMs = PATIENCE_MS;

  constructor(owner: ReloadsOwner) {
    this.#owner = owner;
  }

  /** Begins a reload, or has one begin when the present one is over. */
  ask(): Promise<ReloadResult<Failure>> {
    if (this.#running === undefined) return this.#run(createPending());
    this.#next ??= createPending();
    const leftMs = this.#running.beganAtMs + this.#patienceMs - performance.now();
    this.#patience ??= setTimeout(() => this.#giveUp(), Math.max(0, leftMs)).unref();
    return this.#next.promise;
  }

  /** The present reload is over; nothing if there is none. */
  finish(result: ReloadResult<Failure>): void {
    const running = this.#running;
    if (running === undefined) return;
    if (result === 'reloaded') this.#patienceMs = PATIENCE_MS;
    clearTimeout(this.#patience);
    this.#running = this.#patience = undefined;
    running.resolve(result);
    const next = this.#next;
    this.#next = undefined;
    if (next !== undefined) void this.#run(next);
  }

  #run(pending: Pending<Failure>): Promise<ReloadResult<Failure>> {
    this.#running = { ...pending, beganAtMs: performance.now() };
    this.#owner.begin();
    return pending.promise;
  }

  /** Who waits for the present one waits for its successor. */
  #giveUp(): void {
    this.#patience = undefined;
    this.#patienceMs *= 2;
    const { resolve, beganAtMs } = this.#running!;
    this.#owner.givenUp(performance.now() - beganAtMs);
    const next = this.#next!;
    this.#running = this.#next = undefined;
    void this.#run(next).then(resolve);
  }
}

function createPending<Failure>(): Pending<Failure> {
  let resolve: Pending<Failure>['resolve'] = () => {};
  const promise = new Promise<ReloadResult<Failure>>((settle) => (resolve = settle));
  return { promise, resolve };
}
