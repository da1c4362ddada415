/** A body that is still coming, on its way to a child's standard input. */
import type { Writable } from 'node:stream';

/** A piece is not larger: what a connection holds while it is paused, and one read. */
const COPY_BYTES = 131_072;
const MAX_SPARE = 4;

export interface SpawnedBodyOwner {
  bodyWanted(): void;
  /** Nobody reads it; or the child has ended, and Node closes it. */
  bodyClosed(): void;
}

export class SpawnedBody {
  readonly #stdin: Writable;
  /** For copies: an upload would leave garbage of its own size otherwise. */
  readonly #spare: Buffer[] = [];

  /** @param beginning what had come before the child was started */
  constructor(stdin: Writable, beginning: Buffer, owner: SpawnedBodyOwner) {
    this.#stdin = stdin;
    stdin.on('drain', () => owner.bodyWanted());
    stdin.on('close', () => owner.bodyClosed());
    stdin.write(beginning);
  }

  /** Copies the chunk. @returns whether more is wanted now */
  feed(chunk: Buffer): boolean {
    const stdin = this.#stdin;
    if (!stdin.writable) return true;
    if (chunk.length > COPY_BYTES) return stdin.write(Buffer.from(chunk));
    const memory = this.#spare.pop() ?? Buffer.allocUnsafeSlow(COPY_BYTES);
    chunk.copy(memory);
    return stdin.write(memory.subarray(0, chunk.length), () => {
      if (this.#spare.length < MAX_SPARE) this.#spare.push(memory);
    });
  }

  end(): void {
    this.#stdin.end();
  }
}
