/**
 * The two sockets of a worker and the frames that wait to be written to them: all frames of one turn of the event loop leave
 * in one write for each channel. What comes from the worker is read elsewhere (rendezvous.ts).
 */
import type { Socket } from 'node:net';
import { FrameEncoder } from '../wire/encoder.js';
import type { Channel } from '../wire/frames.js';

export class WorkerChannels {
  /** Frames for the data channel; call `flushSoon` after each. They are kept until the channel is open. */
  readonly data = new FrameEncoder();
  /** The same for the control channel. */
  readonly control = new FrameEncoder();
  #dataSocket: Socket | undefined;
  #controlSocket: Socket | undefined;
  #flushing = false;

  /** Both channels are open. */
  get areOpen(): boolean {
    return this.#dataSocket !== undefined && this.#controlSocket !== undefined;
  }

  /** The data channel is open: answers may still come. */
  get isDataOpen(): boolean {
    return this.#dataSocket !== undefined;
  }

  opened(channel: Channel, socket: Socket): void {
    if (channel === 'D') this.#dataSocket = socket;
    else this.#controlSocket = socket;
  }

  closed(channel: Channel): void {
    if (channel === 'D') this.#dataSocket = undefined;
    else this.#controlSocket = undefined;
  }

  flushSoon(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    setImmediate(this.#flush);
  }

  /** Nothing more is read from this channel, nor written to it. */
  destroy(channel: Channel): void {
    (channel === 'D' ? this.#dataSocket : this.#controlSocket)?.destroy();
  }

  readonly #flush = (): void => {
    this.#flushing = false;
    if (this.#dataSocket !== undefined) flushTo(this.#dataSocket, this.data);
    if (this.#controlSocket !== undefined) flushTo(this.#controlSocket, this.control);
  };
}

/** Writes what was collected, in one piece. */
export function flushTo(socket: Socket, frames: FrameEncoder): void {
  frames.flush((bytes) => {
    socket.write(bytes);
    return socket.writableLength === 0;
  });
}
