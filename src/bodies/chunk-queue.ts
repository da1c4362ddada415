/** Chunks that have come and were not asked for yet, between a body that gives them and a generator that is asked. */
export class ChunkQueue {
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  #isOver = false;
  #failure: Error | undefined;
  #wake: (() => void) | undefined;

  /** That wait. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Nothing more comes, or nobody wants it. What has come before may still be asked for. */
  get isOver(): boolean {
    return this.#isOver;
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    this.#wake?.();
  }

  end(): void {
    this.#isOver = true;
    this.#wake?.();
  }

  fail(error: Error): void {
    this.#failure = error;
    this.end();
  }

  /** @returns undefined at the end. Rejects with what has failed, behind the last chunk */
  async next(): Promise<Buffer | undefined> {
    while (this.#chunks.length === 0 && !this.#isOver) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
    const chunk = this.#chunks.shift();
    if (chunk === undefined && this.#failure !== undefined) throw this.#failure;
    this.#bytes -= chunk?.length ?? 0;
    return chunk;
  }

  /** Those that wait, which nobody will ask for. */
  drain(): readonly Buffer[] {
    this.#bytes = 0;
    return this.#chunks.splice(0);
  }
}
