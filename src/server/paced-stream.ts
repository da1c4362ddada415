/**
 * Writes to a stream of Node's in pieces, the next one when the one before has left: how a client takes its response can be seen then, and whoever
 * waits for a write is told when the stream is no more. Node tells of a write when all of it has left, which a client with a small HTTP/2 window may
 * draw out for ever; and not at all of one to a response whose connection was lost before its turn came.
 */
import { Writable } from 'node:stream';

/** The usual size of a DATA frame of HTTP/2. In the 60 s of the write deadline, it is what the slowest client is allowed. */
const PIECE_BYTES = 16_384;

export class PacedStream extends Writable {
  /** When a piece has left last. */
  progressAtMs: number = performance.now();
  readonly #stream: Writable;
  readonly #pieceBytes: number;
  #done: ((error?: Error | null) => void) | undefined;

  constructor(stream: Writable, pieceBytes: number = PIECE_BYTES) {
    super();
    this.#stream = stream;
    this.#pieceBytes = pieceBytes;
    // The end of the stream is told of by itself.
    this.on('error', () => {});
    stream.on('close', () => this.destroy());
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#done = done;
    this.progressAtMs = performance.now();
    this.#writeFrom(chunk, 0);
  }

  #writeFrom(chunk: Buffer, at: number): void {
    if (this.destroyed || this.#stream.destroyed) return this.#settle(new Error('the stream has ended'));
    const piece = chunk.subarray(at, at + this.#pieceBytes);
    this.#stream.write(piece, (error) => {
      this.progressAtMs = performance.now();
      if (error) this.#settle(error);
      else if (at + piece.length < chunk.length) this.#writeFrom(chunk, at + piece.length);
      else this.#settle();
    });
  }

  override _final(done: () => void): void {
    this.#stream.end();
    done();
  }

  /** Whoever waits for a write of a stream that is no more is told. */
  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#settle(new Error('the stream has ended'));
    done(error);
  }

  #settle(error?: Error): void {
    const done = this.#done;
    this.#done = undefined;
    done?.(error);
  }
}
