/** Tells when a response body is over. */
import type { BodySink, BodySource, ResponseBody } from '../types.js';

/**
 * The same body; `over` is called once, when its last chunk has been handed to the server, or nobody wants it any more. Of what is complete
 * already, bytes and files, at once.
 */
export function whenOver(body: ResponseBody, over: () => void): ResponseBody {
  if (body.kind !== 'stream') {
    over();
    return body;
  }
  return { ...body, source: new WatchedSource(body.source, over) };
}

class WatchedSource implements BodySource {
  readonly #source: BodySource;
  #over: (() => void) | undefined;

  constructor(source: BodySource, over: () => void) {
    this.#source = source;
    this.#over = over;
  }

  start(sink: BodySink): void {
    try {
      this.#source.start({
        data: (chunk) => sink.data(chunk),
        end: () => {
          sink.end();
          this.#tell();
        },
        error: (error) => {
          sink.error(error);
          this.#tell();
        },
      });
    } catch (error) {
      this.#tell();
      throw error;
    }
  }

  taken(bytes: number): void {
    this.#source.taken(bytes);
  }

  cancel(): void {
    this.#source.cancel();
    this.#tell();
  }

  #tell(): void {
    const over = this.#over;
    this.#over = undefined;
    over?.();
  }
}
