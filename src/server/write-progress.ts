/** How a client takes what is written to it; for the write deadline. */
import type { Socket } from 'node:net';

export class WriteProgress {
  readonly #socket: Socket;
  /** How far the client had taken our bytes when that was last different, and when that was. */
  #taken = 0;
  #takenAtMs = 0;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** Whether the client has taken nothing for longer than this, though there is something to take. Call it regularly. */
  overdue(nowMs: number, writeIdleMs: number): boolean {
    const socket = this.#socket;
    const waiting = socket.writableLength;
    // Node counts a write when all of it has left, and whatever waits leaves in one write: minutes, for a slow client. What is
    // left of that write, libuv knows; node:http's own time-out asks it, too.
    const unsent =
      (socket as unknown as { _handle: { writeQueueSize: number } | null })._handle?.writeQueueSize ?? 0;
    const taken = socket.bytesWritten - waiting - unsent;
    if (waiting === 0 || taken !== this.#taken || this.#takenAtMs === 0) {
      this.#taken = taken;
      this.#takenAtMs = nowMs;
      return false;
    }
    return nowMs - this.#takenAtMs > writeIdleMs;
  }
}
