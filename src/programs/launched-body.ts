/** The rest of a body, on its way to a launcher that has its beginning (docs/protocol.md, "A body that is still coming"): under credit, what the launcher has not passed on is bounded. */
import type { FrameEncoder } from '../wire/encoder.js';
import { CREDIT_BYTES } from './runner.js';

export interface LaunchedBodyOptions {
  readonly stream: number;
  /** Towards the launcher; `flushSoon` after each frame. */
  readonly frames: FrameEncoder;
  readonly flushSoon: () => void;
  /** So much of it the launcher has. */
  readonly sentBytes: number;
}

/** With less credit than that nothing more is wanted. A piece is not larger: what a connection holds while it is paused, and one read. */
const MIN_ROOM_BYTES = 131_072;

export class LaunchedBody {
  readonly #options: LaunchedBodyOptions;
  #credit: number;
  /** What had no credit. */
  #held: Buffer[] = [];
  #isWanted = true;
  #ended = false;
  #closed = false;

  constructor(options: LaunchedBodyOptions) {
    this.#options = options;
    this.#credit = CREDIT_BYTES - options.sentBytes;
  }

  /** @returns whether more is wanted now */
  feed(chunk: Buffer): boolean {
    if (this.#closed) return true;
    if (chunk.length > this.#credit || this.#held.length > 0) this.#held.push(Buffer.from(chunk));
    else this.#send(chunk);
    this.#isWanted = this.#hasRoom();
    return this.#isWanted;
  }

  end(): void {
    this.#ended = true;
    this.#checkEnd();
  }

  /** @returns whether more is wanted again */
  grant(bytes: number): boolean {
    this.#credit += bytes;
    while (this.#held.length > 0 && this.#held[0]!.length <= this.#credit) this.#send(this.#held.shift()!);
    this.#checkEnd();
    if (this.#isWanted || this.#ended || this.#closed || !this.#hasRoom()) return false;
    this.#isWanted = true;
    return true;
  }

  /** Nothing more is sent. */
  close(): void {
    this.#closed = true;
    this.#held = [];
  }

  #hasRoom(): boolean {
    return this.#held.length === 0 && this.#credit >= MIN_ROOM_BYTES;
  }

  #checkEnd(): void {
    if (!this.#ended || this.#closed || this.#held.length > 0) return;
    this.#closed = true;
    this.#options.frames.bodyEnd(this.#options.stream);
    this.#options.flushSoon();
  }

  #send(chunk: Buffer): void {
    this.#credit -= chunk.length;
    this.#options.frames.body(this.#options.stream, chunk);
    this.#options.flushSoon();
  }
}
