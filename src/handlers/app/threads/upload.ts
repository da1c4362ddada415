/** A request body on its way into a thread, under credit. */
import type { BodyConsumer, RequestBody } from '../../../types.js';
import { packError, type ToThread } from './messages.js';
import type { Outbox } from './outbox.js';

/** What may be on its way. */
const MAX_UNTAKEN_BYTES = 262_144;

export class Upload implements BodyConsumer {
  /** When the thread was last given something to do, or has done a part of it: taken some of the body. */
  progressAtMs: number = performance.now();
  readonly #id: number;
  readonly #body: RequestBody;
  readonly #out: Outbox<ToThread>;
  #untaken = 0;
  #isComplete = false;
  #isStopped = false;

  /** @param id of the request */
  constructor(id: number, body: RequestBody, out: Outbox<ToThread>) {
    this.#id = id;
    this.#body = body;
    this.#out = out;
  }

  data(chunk: Buffer): void {
    if (this.#isStopped) return;
    if (this.#untaken === 0) this.progressAtMs = performance.now();
    this.#untaken += chunk.length;
    this.#out.sendBytes(chunk, (bytes) => ({ type: 'data', id: this.#id, bytes }));
    if (this.#untaken >= MAX_UNTAKEN_BYTES) this.#body.pause();
  }

  /** Everything that has come was taken, and there is more to come. */
  get isClientsTurn(): boolean {
    return !this.#isComplete && this.#untaken === 0;
  }

  end(): void {
    this.#complete();
    if (!this.#isStopped) this.#out.send({ type: 'end', id: this.#id });
  }

  error(error: Error): void {
    this.#complete();
    if (!this.#isStopped) this.#out.send({ type: 'body-error', id: this.#id, error: packError(error) });
  }

  /** The application has taken so many bytes. */
  consumed(bytes: number): void {
    this.progressAtMs = performance.now();
    const wasFull = this.#untaken >= MAX_UNTAKEN_BYTES;
    this.#untaken -= bytes;
    if (wasFull && this.#untaken < MAX_UNTAKEN_BYTES) this.#body.resume();
  }

  #complete(): void {
    this.#isComplete = true;
    if (this.#untaken === 0) this.progressAtMs = performance.now();
  }

  /** The thread is done with the request. */
  stop(): void {
    this.#isStopped = true;
  }
}
