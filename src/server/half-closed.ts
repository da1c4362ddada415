/**
 * Clients that have ended their input while they wait for an answer.
 *
 * A FIN says only that nothing more comes: a client that still reads (shutdown(2) with SHUT_WR) and one that has gone (close(2)) look the
 * same until something is sent to it, which the one who has gone answers with a reset. And nobody hears that reset: libuv does not
 * look at a socket that is not to be read any more. So they are asked regularly.
 */

/** A connection whose client has ended its input. */
export interface HalfClosedConnection {
  /** Finds out what can be found out about the client. @returns whether its answer is still under way */
  askClient(): boolean;
}

/** Time for a request that hardly waits to be answered without being asked about; and the two ways of a question and a reset. */
const ASK_EVERY_MS = 50;

/** At a time: when 15,000 were all asked, that took one core nine tenths of its time. The others have their turn later. */
const MAX_ASKED = 500;

export class HalfClosed {
  readonly #connections = new Set<HalfClosedConnection>();
  #timer: NodeJS.Timeout | undefined;

  /** Asks from now on, until the client does not wait any more. */
  add(connection: HalfClosedConnection): void {
    this.#connections.add(connection);
    this.#timer ??= setInterval(() => this.#ask(), ASK_EVERY_MS);
  }

  #ask(): void {
    let left = Math.min(MAX_ASKED, this.#connections.size);
    for (const connection of this.#connections) {
      if (left-- === 0) break;
      // Behind all others, whose turn is next.
      this.#connections.delete(connection);
      if (connection.askClient()) this.#connections.add(connection);
    }
    if (this.#connections.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
