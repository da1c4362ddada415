/** A request body on its way into a thread, under credit. */
import type { BodyConsumer, RequestBody } from '../../../types.js';
import { packError, type ToThread } from './messages.js';
import type { Outbox } from './outbox.js';

/** What may be on its way. */
const MAX_UNTAKEN_BYTES = 262_144;

export class Upload implements BodyConsumer {
  /** The last sign of the body. */
  progressAtMs: number = performance.now();
  readonly #id: number;
  readonly #body: RequestBody;
  readonly #out: Outbox<ToThread>;
  #untaken = 0;
  #isStopped = false;

  /** @param id of the request */
  constructor(id: number, body: RequestBody, out: Outbox<ToThread>) {
    this.#id = id;
    this.#body = body;
    this.#out = out;
  }

  data(chunk: Buffer): void {
    if (this.#isStopped) return;
    this.#untaken += chunk.length;
    this.progressAtMs = performance.now();
    this.#out.sendBytes(chunk, (bytes) => ({ type: 'data', id: this.#id, bytes }));
    if (this.#untaken >= MAX_UNTAKEN_BYTES) this.#body.pause();
  }

  end(): void {
    if (!this.#isStopped) this.#out.send({ type: 'end', id: this.#id });
  }

  error(error: Error): void {
    if (!this.#isStopped) this.#out.send({ type: 'body-error', id: this.#id, error: packError(error) });
  }

  /** The application has taken so many bytes. */
  consumed(bytes: number): void {
    const wasFull = this.#untaken >= MAX_UNTAKEN_BYTES;
    this.#untaken -= bytes;
    if (wasFull && this.#untaken < MAX_UNTAKEN_BYTES) this.#body.resume();
  }

  /** The thread is done with the request. */
  stop(): void {
    this.#isStopped = true;
  }
}
