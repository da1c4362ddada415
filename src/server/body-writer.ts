/**
 * Writes response bodies that are longer than one write: streams and files. A body that does not reach its end is never
 * ended cleanly: `done(false)` makes the connection destroy the socket, so that the client sees a truncation.
 */
import type { Writable } from 'node:stream';
import { LocalProtocolError } from '../errors.js';
import type { BodySink, BodySource, FileBody } from '../types.js';
import type { Framing } from './http1/response-serializer.js';

export interface BodyWriterOptions {
  /** Where the bytes go, framed for HTTP/1.1, or as they are. */
  readonly socket: Writable;
  readonly framing: Framing;
  /** Content-Length, with framing `length`. */
  readonly length: number;
  /** Called once: whether the body is complete, the bytes of it that were written, and what went wrong. */
  readonly done: (complete: boolean, bodyBytes: number, error?: Error) => void;
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
    this.#ended = true;
    const { socket, framing, length, done } = this.#options;
    if (framing === 'length' && this.#bodyBytes < length) {
      done(false, this.#bodyBytes, shortBody(length, this.#bodyBytes));
      return;
    }
    if (framing === 'chunked') socket.write('0\r\n\r\n', 'latin1');
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

/** One buffer is being read while the other is being sent. */
const FILE_BUFFER_BYTES = 262_144;

/** Writes a part of a file, not more than Content-Length, and closes its handle. */
export async function writeFile(file: FileBody, options: BodyWriterOptions): Promise<void> {
  const { socket, length: total, done } = options;
  const size = Math.min(FILE_BUFFER_BYTES, total);
  const buffers = [Buffer.allocUnsafeSlow(size), Buffer.allocUnsafeSlow(size)] as const;
  const sent: [Promise<boolean>, Promise<boolean>] = [Promise.resolve(true), Promise.resolve(true)];
  let written = 0;
  let error: Error | undefined;
  try {
    for (let turn: 0 | 1 = 0; written < total; turn = turn === 0 ? 1 : 0) {
      if (!(await sent[turn])) break;
      const length = Math.min(size, total - written);
      const { bytesRead } = await file.handle.read(buffers[turn], 0, length, file.offset + written);
      if (bytesRead === 0) {
        error = shortBody(total, written);
        break;
      }
      const bytes = buffers[turn].subarray(0, bytesRead);
      sent[turn] = new Promise((resolve) =>
        socket.write(bytes, (failure) => resolve(failure === undefined || failure === null)),
      );
      written += bytesRead;
    }
  } catch (failure) {
    error = failure as Error;
  }
  // The handle is closed first, so that nobody who sees the response complete finds the file still open.
  await file.handle.close().catch(() => {});
  done(written === total && error === undefined, written, error);
}

function shortBody(expected: number, received: number): LocalProtocolError {
  return new LocalProtocolError(
    'XGI_HTTP_BODY_SHORT',
    `the response body ended after ${received} of ${expected} bytes; the connection is closed`,
  );
}
