/** How a client takes what is written to it; for the write deadline. */
import type { Socket } from 'node:net';
import type { HttpDeadlines } from '../types.js';

export class WriteProgress {
  readonly #socket: Socket;
  readonly #carrier: Socket;
  /** How far the client had taken our bytes when that was last different, and when that was. */
  #taken = 0;
  #takenAtMs = 0;
  /** The same when it last had something to take and had taken nothing of it. */
  #takenFirst = 0;
  #waitingSinceMs = 0;

  /**
   * @param socket what is written to
   * @param carrier the socket of the kernel below; the same, unless TLS is between them
   */
  constructor(socket: Socket, carrier: Socket) {
    this.#socket = socket;
    this.#carrier = carrier;
  }

  /**
   * Whether the client has taken nothing for too long, though there is something to take, or has been too slow on average. Call
   * it regularly.
   */
  overdue(nowMs: number, { writeIdleMs, bodyMinBytesPerSecond }: HttpDeadlines): boolean {
    const waiting = this.#socket.writableLength;
    const taken = takenFrom(this.#carrier);
    if (waiting === 0 || this.#waitingSinceMs === 0) {
      this.#takenFirst = taken;
      this.#waitingSinceMs = waiting === 0 ? 0 : nowMs;
    }
    if (waiting === 0 || taken !== this.#taken || this.#takenAtMs === 0) {
      this.#taken = taken;
      this.#takenAtMs = nowMs;
    }
    if (waiting === 0) return false;
    const elapsedMs = nowMs - this.#waitingSinceMs;
    const tooSlow = taken - this.#takenFirst < (bodyMinBytesPerSecond * elapsedMs) / 1000;
    return nowMs - this.#takenAtMs > writeIdleMs || (elapsedMs > writeIdleMs && tooSlow);
  }
}

/**
 * Bytes that the kernel has taken. Node counts a write when all of it has left, and whatever waits leaves in one write: minutes, for a slow
 * client. What is left of that write, libuv knows; node:http's own time-out asks it, too.
 */
function takenFrom(carrier: Socket): number {
  const { _handle: handle } = carrier as unknown as {
    _handle: { bytesWritten: number; writeQueueSize: number } | null;
  };
  return handle === null ? 0 : handle.bytesWritten - handle.writeQueueSize;
}
