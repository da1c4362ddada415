/**
 * A response body held to its Content-Length by whoever takes that field from the head: for the server, which holds bodies to it, and for the client,
 * such a body ends where it ends. What an application has broken off would become a whole answer, and be stored as one.
 */
import { LocalProtocolError } from '../errors.js';
import type { BodySink, BodySource, ResponseBody } from '../types.js';
import { bodyLength } from './body-length.js';
import { disposeBody } from './dispose-body.js';
import { iterableBody } from './iterable-body.js';
import { ownResponseChunks } from './response-chunks.js';

/**
 * The same body, cut off behind Content-Length and without trailers, which never come with that field, as the server does it. One that is shorter fails at its end, or here, if it is there already.
 *
 * @param length Content-Length, or -1 if there was none
 * @throws LocalProtocolError `XGI_HTTP_BODY_SHORT`; the body has been let go of then
 */
export function wholeBody(body: ResponseBody, length: number): ResponseBody {
  const own = bodyLength(body);
  if (length === -1 || own === length || body.kind === 'tunnel') return body;
  if (own !== -1 && own < length) {
    disposeBody(body);
    throw shortBody(length, own);
  }
  if (body.kind === 'bytes') return { ...body, bytes: body.bytes.slice(0, length) };
  const stream = body.kind === 'stream' ? body : iterableBody(ownResponseChunks(body));
  return { kind: 'stream', source: new WholeSource(stream.source, length) };
}

/** What was promised did not come. */
export function shortBody(expected: number, received: number): LocalProtocolError {
  return new LocalProtocolError(
    'XGI_HTTP_BODY_SHORT',
    `the response body ended after ${received} of ${expected} bytes; the connection is closed`,
  );
}

class WholeSource implements BodySource {
  readonly #source: BodySource;
  readonly #length: number;
  #received = 0;
  #taken = 0;
  /** Of the chunk that goes over the end. */
  #surplus = 0;
  #isOver = false;

  constructor(source: BodySource, length: number) {
    this.#source = source;
    this.#length = length;
  }

  start(sink: BodySink): void {
    this.#source.start({
      data: (chunk) => this.#data(chunk, sink),
      end: () => {
        if (this.#isOver) return;
        this.#isOver = true;
        if (this.#received < this.#length) sink.error(shortBody(this.#length, this.#received));
        else sink.end();
      },
      error: (error) => {
        if (this.#isOver) return;
        this.#isOver = true;
        sink.error(error);
      },
    });
  }

  taken(bytes: number): void {
    this.#taken += bytes;
    this.#source.taken(this.#taken === this.#length ? bytes + this.#surplus : bytes);
  }

  cancel(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#source.cancel();
  }

  #data(chunk: Buffer, sink: BodySink): void {
    const room = this.#length - this.#received;
    if (this.#isOver || room === 0) this.#source.taken(chunk.length);
    else {
      this.#surplus = Math.max(0, chunk.length - room);
      this.#received += chunk.length - this.#surplus;
      sink.data(chunk.subarray(0, room));
    }
    if (this.#isOver || chunk.length <= room) return;
    // It may have no end.
    this.cancel();
    sink.end();
  }
}
