/**
 * Writes response bodies that are longer than one write, as they are made; files are sent by
 * file-writer.ts. A body that does not reach its end is never
 * ended cleanly: `done(false)` makes the connection destroy the socket, so that the client sees a truncation.
 */
import type { Writable } from 'node:stream';
import { shortBody } from '../bodies/whole-body.js';
import type { BodySink, BodySource } from '../types.js';
import type { Framing } from './http1/response-serializer.js';

export interface BodyWriterOptions {
  /** Where the bytes go, framed for HTTP/1.1, or as they are. */
  readonly socket: Writable;
  readonly framing: Framing;
  /** Content-Length, with framing `length`. */
  readonly length: number;
  /** Called once: whether the body is complete, the bytes of it that were written, and what went wrong. */
  readonly done: (complete: boolean, bodyBytes: number, error?: Error) => void;
  /** What is written behind the last byte of a complete body. @throws what makes it incomplete after all */
  readonly ending?: () => string;
  /** The source has failed after the body was complete. */
  readonly failedLate: (error: Error) => void;
}

/**
 * Writes what a source gives, as it comes, and reports back what has left. With a Content-Length, the body is complete with its last
 * byte, whatever becomes of the source: the client may have sent its next request already, which is not to be lost with this one.
 */
export class StreamWriter implements BodySink {
  readonly #options: BodyWriterOptions;
  readonly #source: BodySource;
  #bodyBytes = 0;
  #ended = false;

  constructor(source: BodySource, options: BodyWriterOptions) {
    this.#source = source;
    this.#options = options;
  }

  start(): void {
    this.#source.start(this);
  }

  data(chunk: Buffer): void {
    if (this.#ended || chunk.length === 0) return;
    const { socket, framing, length } = this.#options;
    if (socket.destroyed) {
      // Before its `close` is told: a source that is never short of data would keep the loop from telling it.
      this.#source.taken(chunk.length);
      this.cancel();
      return;
    }
    let bytes = chunk;
    if (framing === 'length' && this.#bodyBytes + chunk.length > length)
      bytes = chunk.subarray(0, length - this.#bodyBytes);
    this.#bodyBytes += bytes.length;
    // Told after the end too: the source has the memory back then.
    const sent = (): void => this.#source.taken(chunk.length);
    if (framing === 'chunked') {
      socket.cork();
      socket.write(`${bytes.length.toString(16)}\r\n`, 'latin1');
      socket.write(bytes, sent);
      socket.write('\r\n', 'latin1');
      socket.uncork();
    } else {
      socket.write(bytes, sent);
      if (framing === 'length' && this.#bodyBytes === length) this.end();
    }
  }

  end(): void {
    if (this.#ended) return;
    const { socket, framing, length, ending, done } = this.#options;
    if (framing === 'length' && this.#bodyBytes < length) {
      this.error(shortBody(length, this.#bodyBytes));
      return;
    }
    let last = '';
    try {
      last = ending?.() ?? '';
    } catch (error) {
      this.error(error as Error);
      return;
    }
    this.#ended = true;
    if (last !== '') socket.write(last, 'latin1');
    done(true, this.#bodyBytes);
  }

  error(error: Error): void {
    if (this.#ended) {
      this.#options.failedLate(error);
      return;
    }
    this.#ended = true;
    this.#options.done(false, this.#bodyBytes, error);
  }

  /** The client has gone. */
  cancel(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#source.cancel();
  }
}
