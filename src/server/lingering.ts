/**
 * The last state of a connection: our end has been sent, and what the client still sends is dropped for a while. A socket closed with
 * unread bytes would reset, and the client might lose the response before it has read it (RFC 9112 section 9.6).
 */
import type { Socket } from 'node:net';

const LINGER_MS = 2000;
const MAX_LINGER_BYTES = 1_048_576;

export class Lingering {
  readonly #socket: Socket;
  readonly #sinceMs: number = performance.now();
  #bytes = 0;

  /** Sends our end. The socket closes by itself at the client's. */
  constructor(socket: Socket) {
    this.#socket = socket;
    socket.end();
    socket.resume();
  }

  /** So many bytes came, and are dropped. */
  receive(length: number): void {
    this.#bytes += length;
    if (this.#bytes > MAX_LINGER_BYTES) this.#socket.destroy();
  }

  /** Ends what has lasted long enough. The time of a client that has yet to take our answer is the write deadline's. */
  check(nowMs: number): void {
    if (nowMs - this.#sinceMs > LINGER_MS && this.#socket.writableLength === 0) this.#socket.destroy();
  }
}
