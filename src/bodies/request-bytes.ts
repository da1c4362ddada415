/** Request bodies for middleware and TypeScript applications: read as a whole or chunk by chunk, and given again to who comes next. */
import { GatewayError, RemoteProtocolError } from '../errors.js';
import type { BodyConsumer, RequestBody } from '../types.js';
import { ChunkQueue } from './chunk-queue.js';
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
  const queue = new ChunkQueue();
  return interruptible(chunksOf(body, queue), () => {
    queue.drain();
    queue.end();
  });
}

async function* chunksOf(body: RequestBody | null, queue: ChunkQueue): AsyncGenerator<Buffer, void, void> {
  if (body === null) return;
  body.consume({
    data: (chunk) => {
      if (queue.isOver) return;
      queue.push(Buffer.from(chunk));
      if (queue.bytes >= MAX_WAITING_BYTES) body.pause();
    },
    end: () => queue.end(),
    error: (error) => queue.fail(error),
  });
  for (let chunk = await queue.next(); chunk !== undefined; chunk = await queue.next()) {
    if (queue.bytes < MAX_WAITING_BYTES) body.resume();
    yield chunk;
  }
}

/** For whoever consumes a body that has a consumer already: 500 `XGI_HTTP_BODY_CONSUMED`. */
export function consumedTwice(): GatewayError {
  return new GatewayError(
    500,
    'XGI_HTTP_BODY_CONSUMED',
    'the request body has been read already; a middleware that reads it gives the request on with another: deriveRequest(request, { body: givenBody(bytes) })',
  );
}

/** 413 `XGI_HTTP_BODY_SIZE` */
export function tooLong(maxBytes: number): RemoteProtocolError {
  return new RemoteProtocolError(413, 'XGI_HTTP_BODY_SIZE', `the body is larger than ${maxBytes} bytes`);
}
