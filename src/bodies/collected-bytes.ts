/** Pieces of a body, copied into one buffer that grows with them. */

const FIRST_BYTES = 4096;

export class CollectedBytes {
  readonly #maxBytes: number;
  #memory: Buffer;
  #length = 0;

  /** @param expectedBytes -1 if nobody knows */
  constructor(expectedBytes: number, maxBytes: number) {
    this.#maxBytes = maxBytes;
    this.#memory = Buffer.allocUnsafe(expectedBytes === -1 ? FIRST_BYTES : Math.min(expectedBytes, maxBytes));
  }

  get length(): number {
    return this.#length;
  }

  /** What has been added, not copied. */
  get bytes(): Buffer {
    return this.#memory.subarray(0, this.#length);
  }

  hasRoomFor(bytes: number): boolean {
    return this.#length + bytes <= this.#maxBytes;
  }

  /**
   * @param chunk for which there is room
   * @returns its copy, which stays as it is
   */
  add(chunk: Buffer): Buffer {
    const length = this.#length + chunk.length;
    if (length > this.#memory.length) {
      const larger = Buffer.allocUnsafe(Math.min(this.#maxBytes, Math.max(length, this.#memory.length * 2)));
      this.#memory.copy(larger, 0, 0, this.#length);
      this.#memory = larger;
    }
    chunk.copy(this.#memory, this.#length);
    this.#length = length;
    return this.#memory.subarray(length - chunk.length, length);
  }
}
