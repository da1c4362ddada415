/**
 * Read buffers whose memory may be passed on, and comes back when it is not needed any more.
 *
 * A large answer of a worker is written to its client out of the buffer it was read into. New memory for every read would do as
 * well, but 256 KiB pieces at that rate keep the garbage collector busy: it was a sixth of the time for 100 KB responses.
 */

const BUFFER_BYTES = 262_144;
const MAX_FREE = 32;

/** Memory that others may hold on to. What is never released is left to the garbage collector. */
export class LeasedBuffer {
  readonly bytes: Buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  /** The reader is one of them. */
  holders = 1;

  /** One more holder. */
  hold(): void {
    this.holders++;
  }

  /** A holder is done with it. */
  release(): void {
    // A buffer that is released twice would be read into while its bytes are being sent to a client.
    if (this.holders === 0) throw new Error('a read buffer was released that nobody holds');
    if (--this.holders === 0 && free.length < MAX_FREE) free.push(this);
  }
}

/** Buffers that nobody holds, for all readers. */
const free: LeasedBuffer[] = [];

/** The buffers of one reader: it reads into `current`, and moves on when somebody else holds that. */
export class LeasedBuffers {
  #current = new LeasedBuffer();

  get current(): LeasedBuffer {
    return this.#current;
  }

  /** The buffer for the next read, or null if it is still the same. */
  next(): Buffer | null {
    if (this.#current.holders === 1) return null;
    this.#current.release();
    this.#current = free.pop() ?? new LeasedBuffer();
    this.#current.holders = 1;
    return this.#current.bytes;
  }
}
