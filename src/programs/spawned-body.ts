/**
 * A body that is still coming, on its way to a child's standard input. One write is under way at a time; what comes meanwhile is collected, so
 * that a body in chunks of one byte costs no more than another.
 */
import type { Writable } from 'node:stream';

/** A piece is not larger: what a connection holds while it is paused, and one read. */
const PIECE_BYTES = 131_072;
/** With less room than a piece needs nothing more is wanted. */
const BLOCK_BYTES = 2 * PIECE_BYTES;

export interface SpawnedBodyOwner {
  bodyWanted(): void;
  /** Nobody reads it; or the child has ended, and Node closes it. */
  bodyClosed(): void;
}

export class SpawnedBody {
  readonly #stdin: Writable;
  readonly #owner: SpawnedBodyOwner;
  /** What is written next. */
  #block: Buffer = Buffer.allocUnsafeSlow(BLOCK_BYTES);
  #filled = 0;
  /** Used again and again: an upload would leave garbage of its own size otherwise. */
  #spare: Buffer = Buffer.allocUnsafeSlow(BLOCK_BYTES);
  #isWriting = true;
  #isWanted = true;
  #ended = false;

  /** @param beginning what had come before the child was started */
  constructor(stdin: Writable, beginning: Buffer, owner: SpawnedBodyOwner) {
    this.#stdin = stdin;
    this.#owner = owner;
    stdin.on('close', () => owner.bodyClosed());
    stdin.write(beginning, () => this.#goOn());
  }

  /** Copies the chunk, of at most PIECE_BYTES if more was wanted. @returns whether more is wanted now */
  feed(chunk: Buffer): boolean {
    if (!this.#stdin.writable) return true;
    this.#filled += chunk.copy(this.#roomFor(chunk.length), this.#filled);
    if (!this.#isWriting) this.#write();
    this.#isWanted = this.#hasRoom;
    return this.#isWanted;
  }

  end(): void {
    this.#ended = true;
    if (!this.#isWriting) this.#stdin.end();
  }

  get #hasRoom(): boolean {
    return this.#filled <= BLOCK_BYTES - PIECE_BYTES;
  }

  /** The block, which is made larger for one who feeds what was not wanted. */
  #roomFor(bytes: number): Buffer {
    if (this.#filled + bytes > this.#block.length)
      this.#block = Buffer.concat([this.#block.subarray(0, this.#filled)], this.#filled + bytes);
    return this.#block;
  }

  #write(): void {
    const block = this.#block;
    const bytes = block.subarray(0, this.#filled);
    this.#block = this.#spare;
    this.#filled = 0;
    this.#isWriting = true;
    this.#stdin.write(bytes, () => {
      this.#spare = block;
      this.#goOn();
    });
  }

  /** A write is over. */
  #goOn(): void {
    this.#isWriting = false;
    if (!this.#stdin.writable) return;
    if (this.#filled > 0) this.#write();
    else if (this.#ended) this.#stdin.end();
    if (this.#isWanted || this.#ended || !this.#hasRoom) return;
    this.#isWanted = true;
    this.#owner.bodyWanted();
  }
}
