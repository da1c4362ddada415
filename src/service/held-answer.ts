/**
 * What an application has answered, behind middleware, ends with the request, whatever the middleware does: it may have failed over it, or wait for a next
 * chunk that never comes while its client has gone. The application's source is cancelled then, once, and whoever reads it is told.
 */
import { GatewayError } from '../errors.js';
import { DerivedRequest } from '../http/derived-request.js';
import { changeAnswer } from '../middleware/answer.js';
import type { Exchange, Held } from '../server/exchange.js';
import type { BodySink, BodySource, FileBody, GatewayRequest, GatewayResponse, Handler } from '../types.js';
import { acceptAnswer } from './accept-answer.js';

/**
 * @param handler behind middleware, which it cannot answer with anything but an answer: what is none is an error here (LocalProtocolError
 * `XGI_HTTP_BAD_RESPONSE`), before middleware stumbles over it, as if that were at fault
 */
export function holdAnswers(handler: Handler): Handler {
  return (request) => changeAnswer(handler(request), (response) => hold(request, acceptAnswer(response)));
}

function hold(request: GatewayRequest, response: GatewayResponse): GatewayResponse {
  const { body } = response;
  if (body.kind !== 'stream' && body.kind !== 'file') return response;
  const exchange = exchangeOf(request);
  if (exchange === undefined) return response;
  if (body.kind === 'file') {
    exchange.hold(new HeldFile(body.file));
    return response;
  }
  const source = new HeldSource(body.source);
  exchange.hold(source);
  return { head: response.head, body: { ...body, source } };
}

/** @returns undefined for a request that goes on when the client's has ended, such as one that a cache shares among several */
function exchangeOf(request: GatewayRequest): Exchange | undefined {
  let at = request;
  while (at instanceof DerivedRequest) {
    if (!at.endsWithWhole) return undefined;
    at = at.whole;
  }
  return 'hold' in at ? (at as Exchange) : undefined;
}

class HeldFile implements Held {
  readonly #file: FileBody;

  constructor(file: FileBody) {
    this.#file = file;
  }

  /** Closed already, in most cases, which is no harm. */
  release(): void {
    void this.#file.handle.close().catch(() => {});
  }
}

class HeldSource implements BodySource, BodySink, Held {
  readonly #source: BodySource;
  #sink: BodySink | undefined;
  #over = false;

  constructor(source: BodySource) {
    this.#source = source;
  }

  start(sink: BodySink): void {
    if (this.#over) {
      sink.error(ended());
      return;
    }
    this.#sink = sink;
    this.#source.start(this);
  }

  taken(bytes: number): void {
    this.#source.taken(bytes);
  }

  cancel(): void {
    if (this.#over) return;
    this.#over = true;
    this.#source.cancel();
  }

  /** Whoever has begun to read it sees to its end, unless the client has gone: an application may have things to do behind its last byte. */
  release(aborted: boolean): void {
    if (this.#over || (this.#sink !== undefined && !aborted)) return;
    this.cancel();
    this.#sink?.error(ended());
  }

  data(chunk: Buffer): void {
    if (!this.#over) this.#sink!.data(chunk);
  }

  end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#sink!.end();
  }

  error(error: Error): void {
    // After its end, too: the server logs what goes wrong with an application then.
    this.#over = true;
    this.#sink!.error(error);
  }
}

function ended(): GatewayError {
  return new GatewayError(499, 'XGI_HTTP_CLIENT_GONE', 'the request has ended');
}
