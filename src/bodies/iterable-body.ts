/** A response body of an iterable: asked for its next chunk when the client has taken enough of those before. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { LocalProtocolError } from '../errors.js';
import type { BodySink, BodySource, ResponseBody, Trailers } from '../types.js';

/** Bytes that may be on their way to the client while the next chunk is asked for. */
const MAX_UNTAKEN_BYTES = 65_536;
/** Then others have a turn: a socket that takes everything at once says so before the event loop goes on. */
const MAX_TURN_BYTES = 262_144;
/** What a chunk counts beside its bytes: there may be many without any. */
const CHUNK_BYTES = 64;

/** Pieces of a body, of any length. */
export type Chunks = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/**
 * If the iterable throws, the body is cut off, so that the client can tell. If the client goes, the iterator's `return` is called, once, and
 * `finally` blocks of generators run.
 *
 * @param chunks not to be changed until the next one is asked for
 */
export function iterableBody(
  chunks: Chunks,
  { trailers }: IterableBodyOptions = {},
): Extract<ResponseBody, { kind: 'stream' }> {
  return { kind: 'stream', source: new IterableSource(chunks), trailers };
}

/** What a body has beside its chunks. */
export interface IterableBodyOptions {
  /** What follows the body, where the client can get it. Asked when the iterable is at its end. */
  readonly trailers?: Trailers;
}

/** The same for a stream, which is cancelled if the client goes, also while it is waited for. Locks it. */
export function streamBody(stream: ReadableStream<Uint8Array>): ResponseBody {
  const reader = stream.getReader();
  // The iterator of a stream would have `return` wait for the `next` before it.
  const iterator: AsyncIterator<Uint8Array> = {
    next: () => reader.read() as Promise<IteratorResult<Uint8Array>>,
    return: async () => {
      await reader.cancel();
      return { done: true, value: undefined };
    },
  };
  return iterableBody({ [Symbol.asyncIterator]: () => iterator });
}

class IterableSource implements BodySource {
  readonly #iterator: AsyncIterator<Uint8Array> | Iterator<Uint8Array>;
  #untaken = 0;
  #givenInTurn = 0;
  #over = false;
  #wake: (() => void) | undefined;

  constructor(chunks: Chunks) {
    this.#iterator =
      Symbol.asyncIterator in chunks ? chunks[Symbol.asyncIterator]() : chunks[Symbol.iterator]();
  }

  start(sink: BodySink): void {
    void this.#run(sink);
  }

  taken(bytes: number): void {
    this.#untaken -= bytes;
    if (this.#untaken < MAX_UNTAKEN_BYTES) this.#goOn();
  }

  cancel(): void {
    if (this.#over) return;
    this.#over = true;
    this.#goOn();
    this.#letGo();
  }

  /** Nobody is left to be told what goes wrong here. */
  #letGo(): void {
    void Promise.resolve()
      .then(() => this.#iterator.return?.())
      .catch(() => {});
  }

  async #run(sink: BodySink): Promise<void> {
    try {
      while (!this.#over) {
        const next = await this.#iterator.next();
        if (this.#over) return;
        if (next.done === true) {
          this.#over = true;
          sink.end();
          return;
        }
        await this.#give(next.value, sink);
      }
    } catch (error) {
      if (this.#over) return;
      this.#over = true;
      sink.error(error as Error);
    }
  }

  async #give(chunk: Uint8Array, sink: BodySink): Promise<void> {
    if (!(chunk instanceof Uint8Array)) {
      this.#letGo();
      throw new LocalProtocolError(
        'XGI_HTTP_BAD_RESPONSE',
        `a piece of the response body is of type ${typeof chunk}; expected a Uint8Array: Buffer.from(text)`,
      );
    }
    if (chunk.length > 0) {
      this.#untaken += chunk.length;
      sink.data(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    }
    if (this.#untaken >= MAX_UNTAKEN_BYTES) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.#givenInTurn += chunk.length + CHUNK_BYTES;
    if (this.#givenInTurn < MAX_TURN_BYTES) return;
    this.#givenInTurn = 0;
    await nextTurn();
  }

  #goOn(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}
