/** A connection after 101 Switching Protocols, as a plain stream: what the client sends, and what is to be sent to it. */
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';

export class TunnelStream extends Duplex {
  readonly #socket: Socket;

  /** The socket is read by its owner, who passes on what comes by `receive` and `endOfInput`. */
  constructor(socket: Socket) {
    super({ allowHalfOpen: true });
    this.#socket = socket;
    socket.on('close', () => this.destroy());
  }

  /** @param chunk is kept */
  receive(chunk: Buffer): void {
    if (!this.push(chunk)) this.#socket.pause();
  }

  endOfInput(): void {
    this.push(null);
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.write(chunk, done);
  }

  override _final(done: () => void): void {
    this.#socket.end(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }
}
