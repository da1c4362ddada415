/** Request bodies for middleware and TypeScript applications: read as a whole or chunk by chunk, and given again to who comes next. */
import { RemoteProtocolError } from '../errors.js';
import type { BodyConsumer, RequestBody } from '../types.js';
import { CollectedBytes } from './collected-bytes.js';
import { interruptible } from './interruptible.js';

/**
 * The whole body.
 *
 * @throws RemoteProtocolError 413 `XGI_HTTP_BODY_SIZE` for a longer one, and what the client breaks
 */
export async function collectBody(body: RequestBody | null, maxBytes: number): Promise<Buffer> {
  if (body === null) return Buffer.alloc(0);
  if (body.length > maxBytes) throw tooLong(maxBytes);
  const collected = new CollectedBytes(body.length, maxBytes);
  return await new Promise((resolve, reject) => {
    body.consume({
      data: (chunk) => {
        if (collected.hasRoomFor(chunk.length)) collected.add(chunk);
        else reject(tooLong(maxBytes));
      },
      end: () => resolve(collected.bytes),
      error: reject,
    });
  });
}

/** A body of bytes that are there already, for a request whose own body has been read. null for none, as for a request without. */
export function givenBody(bytes: Buffer): RequestBody | null {
  return bytes.length === 0 ? null : new GivenBody(bytes);
}

class GivenBody implements RequestBody {
  readonly length: number;
  readonly #bytes: Buffer;
  #consumer: BodyConsumer | undefined;
  #paused = false;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.length = bytes.length;
  }

  consume(consumer: BodyConsumer): void {
    this.#consumer = consumer;
    consumer.data(this.#bytes);
    if (!this.#paused) this.#end();
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#end();
  }

  #end(): void {
    const consumer = this.#consumer;
    this.#consumer = undefined;
    consumer?.end();
  }
}

/** What the client may have sent ahead of the reader. */
const MAX_WAITING_BYTES = 65_536;

/**
 * The chunks of a body, each a copy. The client is not read from while 64 KiB wait.
 *
 * Throws what the client breaks.
 */
export function requestChunks(body: RequestBody | null): AsyncGenerator<Buffer, void, void> {
  const reading: Reading = { isOver: false, wake: undefined };
  return interruptible(chunksOf(body, reading), () => {
    reading.isOver = true;
    reading.wake?.();
  });
}

interface Reading {
  /** Nobody wants the rest. */
  isOver: boolean;
  wake: (() => void) | undefined;
}

async function* chunksOf(body: RequestBody | null, reading: Reading): AsyncGenerator<Buffer, void, void> {
  if (body === null) return;
  const chunks: Buffer[] = [];
  let waiting = 0;
  let ended = false;
  let failure: Error | undefined;
  body.consume({
    data: (chunk) => {
      if (reading.isOver) return;
      chunks.push(Buffer.from(chunk));
      waiting += chunk.length;
      if (waiting >= MAX_WAITING_BYTES) body.pause();
      reading.wake?.();
    },
    end: () => {
      ended = true;
      reading.wake?.();
    },
    error: (error) => {
      failure = error;
      reading.wake?.();
    },
  });
  while (!reading.isOver) {
    const chunk = chunks.shift();
    if (chunk !== undefined) {
      waiting -= chunk.length;
      if (waiting < MAX_WAITING_BYTES) body.resume();
      yield chunk;
    } else if (failure !== undefined) {
      throw failure;
    } else if (ended) {
      return;
    } else {
      await new Promise<void>((resolve) => {
        reading.wake = resolve;
      });
      reading.wake = undefined;
    }
  }
}

/** 413 `XGI_HTTP_BODY_SIZE` */
export function tooLong(maxBytes: number): RemoteProtocolError {
  return new RemoteProtocolError(413, 'XGI_HTTP_BODY_SIZE', `the body is larger than ${maxBytes} bytes`);
}
