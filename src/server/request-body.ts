/**
 * A request body on its way from the connection to its consumer. Knows when the client is to be read from, and how slow it may be.
 */
import { consumedTwice } from '../bodies/request-bytes.js';
import { RemoteProtocolError } from '../errors.js';
import type { BodyConsumer, HttpDeadlines, RequestBody } from '../types.js';

/** What a body asks of the connection it comes from. */
export interface BodyOrigin {
  /** The body is wanted now: go on reading, after `100 Continue` where the client waits for it. */
  readBody(): void;
}

/** What is left of a body that nobody wants is read up to this size, so that the connection can go on; then it is closed. */
const MAX_DISCARD_BYTES = 262_144;

export class RequestBodyStream implements RequestBody {
  readonly length: number;
  /** The last byte has come, or nothing more will be handed on. */
  ended = false;
  readonly #origin: BodyOrigin;
  #consumer: BodyConsumer | null = null;
  #paused = false;
  #discarding = false;
  #received = 0;
  #startedAtMs = 0;
  #lastAtMs = 0;

  constructor(length: number, origin: BodyOrigin) {
    this.length = length;
    this.#origin = origin;
  }

  /** Whether the connection should parse on. */
  get wanted(): boolean {
    return this.#consumer !== null && !this.#paused && !this.ended;
  }

  /** Whether somebody has begun to read. */
  get consumed(): boolean {
    return this.#consumer !== null;
  }

  consume(consumer: BodyConsumer): void {
    if (this.#consumer !== null && !this.#discarding) {
      consumer.error(consumedTwice());
      return;
    }
    this.#consumer = consumer;
    this.#startedAtMs = this.#lastAtMs = performance.now();
    if (this.ended)
      consumer.error(new RemoteProtocolError(400, 'XGI_HTTP_BODY_INCOMPLETE', 'the client has gone'));
    else this.#origin.readBody();
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    // The time of the pause was ours, not the client's.
    const now = performance.now();
    this.#startedAtMs += now - this.#lastAtMs;
    this.#lastAtMs = now;
    if (!this.ended) this.#origin.readBody();
  }

  /** Reads and drops what is left; `false` if that is too much to be worth it. */
  discard(): boolean {
    if (this.length - this.#received > MAX_DISCARD_BYTES) return false;
    const limit = this.#received + MAX_DISCARD_BYTES;
    const reader = this.#discarding ? null : this.#consumer;
    this.#discarding = true;
    this.#paused = false;
    this.#consumer = {
      data: () => {
        if (this.#received > limit)
          throw new RemoteProtocolError(413, 'XGI_HTTP_BODY_UNREAD', 'the rest of the body is not read');
      },
      end: () => {},
      error: () => {},
    };
    this.#startedAtMs = this.#lastAtMs = performance.now();
    reader?.error(new RemoteProtocolError(400, 'XGI_HTTP_BODY_UNREAD', 'the response is complete'));
    return true;
  }

  receive(chunk: Buffer): void {
    this.#received += chunk.length;
    this.#lastAtMs = performance.now();
    this.#consumer!.data(chunk);
  }

  finish(): void {
    this.ended = true;
    this.#consumer!.end();
  }

  /** Tells the consumer that the body will not be complete. */
  fail(error: Error): void {
    if (this.ended) return;
    this.ended = true;
    this.#consumer?.error(error);
  }

  /** @returns the error for a client that has paused too long or is too slow */
  overdue(nowMs: number, deadlines: HttpDeadlines): RemoteProtocolError | undefined {
    if (!this.wanted) return undefined;
    if (nowMs - this.#lastAtMs > deadlines.bodyIdleMs) {
      return new RemoteProtocolError(
        408,
        'XGI_HTTP_BODY_IDLE',
        `nothing of the body came for ${deadlines.bodyIdleMs} ms`,
      );
    }
    const elapsedMs = nowMs - this.#startedAtMs;
    if (
      elapsedMs > deadlines.bodyIdleMs &&
      this.#received < (deadlines.bodyMinBytesPerSecond * elapsedMs) / 1000
    ) {
      return new RemoteProtocolError(
        408,
        'XGI_HTTP_BODY_SLOW',
        `the body comes slower than ${deadlines.bodyMinBytesPerSecond} bytes a second`,
      );
    }
    return undefined;
  }
}
