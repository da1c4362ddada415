/** Content that is changed on its way to the client: chunk by chunk, at the client's pace. */
import { disposeBody } from '../bodies/dispose-body.js';
import { type Chunks, iterableBody } from '../bodies/iterable-body.js';
import { ownResponseChunks } from '../bodies/response-chunks.js';
import { wholeBody } from '../bodies/whole-body.js';
import { mayBeRewritten, rewrittenFields, rewrittenTrailers } from '../http/changed-content.js';
import type { BodySink, BodySource, GatewayResponse, ResponseBody } from '../types.js';
import { headWithFields } from './answer.js';

/**
 * Gets the chunks of a body, which are its own then, and gives those of another. When the client leaves, the chunks end with an error, and
 * `finally` blocks run.
 */
export type BodyTransform = (chunks: AsyncIterable<Buffer>) => Chunks;

/**
 * The answer with its body changed. What spoke of its bytes leaves the head: Content-Length, Accept-Ranges, digests; and so do ETag and
 * Last-Modified, which tell versions of the old content apart. An answer without content, a part, one in a content coding and one that says
 * `no-transform` are returned as they are. Trailers follow, but for such of the old bytes, if all of these have been made.
 *
 * The transform runs when the body is sent: not for HEAD. Of a body that is shorter than its Content-Length was, the chunks end with an error.
 */
export function transformBody(response: GatewayResponse, transform: BodyTransform): GatewayResponse {
  const { head, body } = response;
  if (!mayBeRewritten(head) || body.kind === 'tunnel') return response;
  const source = new TransformedSource({ body, length: head.contentLength, transform });
  const hasTrailers = body.kind === 'stream' && head.contentLength === -1;
  const trailers = hasTrailers ? rewrittenTrailers(body.trailers) : undefined;
  return {
    head: headWithFields(head, rewrittenFields(head.fields)),
    body: {
      kind: 'stream',
      source,
      trailers: trailers && {
        names: trailers.names,
        fields: () => (source.isMade ? trailers.fields() : []),
      },
    },
  };
}

interface Transformed {
  readonly body: ResponseBody;
  /** Its Content-Length, or -1. */
  readonly length: number;
  readonly transform: BodyTransform;
}

class TransformedSource implements BodySource {
  readonly #body: ResponseBody;
  readonly #length: number;
  readonly #transform: BodyTransform;
  #given: CuttableSource | undefined;
  #changed: BodySource | undefined;
  #isRead = false;

  constructor({ body, length, transform }: Transformed) {
    this.#body = body;
    this.#length = length;
    this.#transform = transform;
  }

  /** The body before, a stream, has been made to its end. */
  get isMade(): boolean {
    return this.#given?.hasEnded ?? false;
  }

  start(sink: BodySink): void {
    let body = wholeBody(this.#body, this.#length);
    if (body.kind === 'stream') {
      this.#given = new CuttableSource(body.source);
      body = { kind: 'stream', source: this.#given };
    }
    const given: AsyncIterable<Buffer> = {
      [Symbol.asyncIterator]: () => {
        this.#isRead = true;
        return ownResponseChunks(body);
      },
    };
    const changed = iterableBody(this.#transform(given));
    this.#changed = changed.source;
    changed.source.start({
      data: (chunk) => sink.data(chunk),
      end: () => {
        this.#close();
        sink.end();
      },
      error: (error) => {
        this.#close();
        sink.error(error);
      },
    });
  }

  taken(bytes: number): void {
    this.#changed?.taken(bytes);
  }

  cancel(): void {
    // A transform that waits for the next chunk would wait for it all the same.
    this.#given?.cut();
    this.#changed?.cancel();
    this.#close();
  }

  /** What nobody has begun to read is let go of by nobody else. */
  #close(): void {
    if (this.#isRead) return;
    this.#isRead = true;
    disposeBody(this.#body);
  }
}

/** A source that can be ended under its reader. */
class CuttableSource implements BodySource {
  hasEnded = false;
  readonly #source: BodySource;
  #sink: BodySink | undefined;

  constructor(source: BodySource) {
    this.#source = source;
  }

  start(sink: BodySink): void {
    this.#sink = sink;
    this.#source.start({
      data: (chunk) => this.#sink?.data(chunk),
      end: () => {
        this.hasEnded = true;
        this.#over()?.end();
      },
      error: (error) => this.#over()?.error(error),
    });
  }

  taken(bytes: number): void {
    this.#source.taken(bytes);
  }

  cancel(): void {
    if (this.#over() !== undefined) this.#source.cancel();
  }

  cut(): void {
    const sink = this.#over();
    if (sink === undefined) return;
    this.#source.cancel();
    sink.error(new Error('the client has gone'));
  }

  #over(): BodySink | undefined {
    const sink = this.#sink;
    this.#sink = undefined;
    return sink;
  }
}
