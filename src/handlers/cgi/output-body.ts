/** What a program writes behind its head, as the body of a response: kept until the server takes it up, then handed on as it comes. */
import type { BodySink, BodySource } from '../../types.js';
import { ChunkedOutput } from './chunked-output.js';

export interface OutputBodyOptions {
  /** Content-Length, or -1 if only the end will tell. */
  readonly length: number;
  /** The program sends it in chunks. */
  readonly chunked: boolean;
  /** Whether the last byte of that length may go, with which the server takes the request for over; else `release` says so. */
  readonly mayComplete: () => boolean;
  /** Called with bytes that have left for the client, or that nobody wants. */
  readonly taken: (bytes: number) => void;
  /** Called if the client has gone. */
  readonly cancelled: () => void;
}

/** A body of at most this size is sent in one piece, if it is there. */
const MAX_WHOLE_BYTES = 65_536;

export class OutputBody implements BodySource {
  readonly #options: OutputBodyOptions;
  readonly #chunks: ChunkedOutput | undefined;
  #sink: BodySink | undefined;
  /** What came before it was taken up. */
  #early: Buffer[] = [];
  /** Bytes that may still come; Infinity if only the end will tell. */
  #left: number;
  #untaken = 0;
  /** Kept until `release`. */
  #last: Buffer | undefined;
  #ended = false;
  #failure: Error | undefined;

  constructor(options: OutputBodyOptions) {
    this.#options = options;
    this.#left = options.length === -1 ? Infinity : options.length;
    this.#chunks = options.chunked ? new ChunkedOutput() : undefined;
  }

  /** Bytes that the client has yet to take. */
  get untaken(): number {
    return this.#untaken;
  }

  /** All that was promised has come: nothing can go wrong any more. */
  get isFull(): boolean {
    return this.#left === 0 || this.#chunks?.isComplete === true;
  }

  /** Whether it is complete if nothing more comes: a length and a last chunk are promises. */
  get mayEnd(): boolean {
    return this.isFull || (this.#left === Infinity && this.#chunks === undefined);
  }

  /** @throws GatewayError `XGI_CGI_BAD_CHUNK` */
  push(chunk: Buffer): void {
    let dropped = chunk.length;
    for (const piece of this.#chunks === undefined ? [chunk] : this.#chunks.push(chunk))
      dropped -= this.#pass(piece);
    // More than it has promised, or the framing of chunks: nobody takes that.
    if (dropped > 0) this.#options.taken(dropped);
  }

  /** @returns how much of it is wanted */
  #pass(piece: Buffer): number {
    const wanted = piece.length > this.#left ? piece.subarray(0, this.#left) : piece;
    if (wanted.length === 0) return 0;
    this.#left -= wanted.length;
    if (this.#left > 0 || this.#options.mayComplete()) this.#handOn(wanted);
    else this.#last = wanted;
    return wanted.length;
  }

  #handOn(piece: Buffer): void {
    this.#untaken += piece.length;
    if (this.#sink === undefined) this.#early.push(piece);
    else this.#sink.data(piece);
  }

  /** Nothing is kept back any more. */
  release(): void {
    const last = this.#last;
    this.#last = undefined;
    if (last !== undefined && !this.#ended) this.#handOn(last);
  }

  /** It is complete. */
  end(): void {
    this.release();
    if (this.#ended) return;
    this.#ended = true;
    this.#sink?.end();
  }

  /** It cannot be completed. */
  fail(error: Error): void {
    // What is full is complete for the client.
    this.release();
    if (this.#ended) return;
    this.#ended = true;
    this.#failure = error;
    this.#sink?.error(error);
  }

  /** The whole body, if it is complete and not large, and nobody has taken it up; else undefined. */
  takeWhole(): Buffer | undefined {
    if (!this.#ended || this.#failure !== undefined || this.#untaken > MAX_WHOLE_BYTES) return undefined;
    const chunks = this.#early;
    this.#early = [];
    return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
  }

  // --- from the server ---

  start(sink: BodySink): void {
    this.#sink = sink;
    for (const chunk of this.#early.splice(0)) sink.data(chunk);
    if (this.#failure !== undefined) sink.error(this.#failure);
    else if (this.#ended) sink.end();
  }

  taken(bytes: number): void {
    this.#untaken -= bytes;
    this.#options.taken(bytes);
  }

  cancel(): void {
    this.#ended = true;
    this.#options.cancelled();
  }
}
