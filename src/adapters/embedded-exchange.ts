/**
 * One request that another server has accepted, and its response: what `server/connection.ts` and `server/http2/stream.ts` are for connections of
 * ours, with the same Exchange, bodies, errors and telemetry.
 *
 * Deadlines, and limits of what a head may hold, are those of the server that embeds us.
 */
import type { Writable } from 'node:stream';
import { disposeBody } from '../bodies/dispose-body.js';
import { tooLong } from '../bodies/request-bytes.js';
import { GatewayError, RemoteProtocolError } from '../errors.js';
import { checkAnswer } from '../http/answer-check.js';
import type { TrustedProxies } from '../http/forwarded.js';
import { hasNoBody, type ResponseHead } from '../http/response-head.js';
import { readTrailers } from '../http/trailers.js';
import { behindMount } from '../routing/mount.js';
import { MountedRequest } from '../routing/mounted-request.js';
import { StreamWriter } from '../server/body-writer.js';
import {
  answerError,
  dropResponse,
  errorResponse,
  logError,
  logRequestError,
} from '../server/error-response.js';
import { callHandler, Exchange, type Responder } from '../server/exchange.js';
import { writeFile } from '../server/file-writer.js';
import type { BodyOrigin } from '../server/request-body.js';
import { publishExchange } from '../server/request-record.js';
import { fitLength, lengthToAdd, trailersOf } from '../server/response-writer.js';
import type { Fields, GatewayRequest, GatewayResponse, Handler, Log, Peer, ResponseBody } from '../types.js';
import { type GivenHead, readGivenHead } from './embedded-head.js';
import { ReceivedBody } from './received-body.js';

export interface EmbeddingOptions {
  /** The front of the path that the host has taken: '' for none, else it begins with `/` and does not end with it. */
  readonly mount: string;
  readonly trustedProxies: TrustedProxies;
  readonly maxBodyBytes: number;
  /** Whether clients are told what went wrong inside: for development. */
  readonly tellsDetails: boolean;
  readonly log: Log;
}

/** The ends of a request that the server which embeds us holds. */
export interface Host extends BodyOrigin {
  /** Sends the head; the body follows. @throws what makes it one that the host cannot send */
  begin(head: ResponseHead, options: BeginOptions): void;
  /** Where a body is written that is not there at once, as it is: the host frames it. */
  bodyStream(): Writable;
  /** The body is complete. @param bytes all of it; undefined if it was written to the stream. @param trailers to be sent behind it */
  end(bytes: Buffer | string | undefined, trailers: Fields): void;
  /** There is no answer, or its body cannot be completed: the client must not take it for complete. */
  cut(error: Error | undefined): void;
  /** Sends an interim response, if the host can. */
  inform(head: ResponseHead): void;
}

export interface BeginOptions {
  /** The Content-Length to add; -1 adds none. */
  readonly addLength: number;
  readonly hasBody: boolean;
  /** Names of fields that follow the body. */
  readonly trailers: readonly string[];
}

export interface Accepted {
  readonly head: GivenHead;
  readonly peer: Peer;
  readonly host: Host;
  /** Whether the client can get trailer fields. */
  readonly takesTrailers: boolean;
}

export class EmbeddedExchange implements Responder {
  readonly #options: EmbeddingOptions;
  readonly #host: Host;
  readonly #takesTrailers: boolean;
  readonly #exchange: Exchange | null;
  #writer: StreamWriter | null = null;
  #trailers: Fields = [];
  #closed = false;

  /** A head that cannot be served is answered at once. */
  constructor({ head, peer, host, takesTrailers }: Accepted, options: EmbeddingOptions) {
    this.#options = options;
    this.#host = host;
    this.#takesTrailers = takesTrailers;
    this.#exchange = this.#open(head, peer);
  }

  /** Calls the handler. Call it once. */
  serve(handler: Handler): void {
    if (this.#exchange !== null)
      callHandler((request) => handler(this.#mounted(request)), this.#exchange, this);
  }

  /** The request body, as far as it is wanted. */
  get body(): ReceivedBody | null {
    return (this.#exchange?.body as ReceivedBody | null | undefined) ?? null;
  }

  receive(chunk: Buffer): void {
    this.#attempt((body) => body.receive(chunk));
  }

  endOfInput(): void {
    this.#attempt((body) => body.finish());
  }

  /** The client, or the server that embeds us, wants no more. */
  closed(): void {
    const exchange = this.#exchange;
    if (exchange === null || this.#closed) return;
    this.#closed = true;
    exchange.body?.fail(
      new RemoteProtocolError(400, 'XGI_HTTP_CLIENT_GONE', 'the client has ended the request'),
    );
    if (exchange.complete) return;
    publishExchange(exchange, true);
    exchange.answered = true;
    this.#writer?.cancel();
    exchange.abort();
    exchange.release();
  }

  respond(exchange: Exchange, response: GatewayResponse): void {
    try {
      if (exchange.answered) dropResponse(this.#options.log, response, exchange);
      else this.#write(exchange, response);
    } catch (error) {
      dropResponse(this.#options.log, response, exchange);
      this.fail(exchange, error);
    }
  }

  fail(exchange: Exchange, error: unknown): void {
    if (exchange.answered) return;
    const { log, tellsDetails } = this.#options;
    answerError(error, {
      log,
      request: exchange,
      tellsDetails,
      write: (response) => this.#write(exchange, response),
      cut: (unfit) => this.#host.cut(unfit),
    });
  }

  #open(given: GivenHead, peer: Peer): Exchange | null {
    const { maxBodyBytes, trustedProxies } = this.#options;
    try {
      const head = readGivenHead(given);
      if (head.contentLength > maxBodyBytes) throw tooLong(maxBodyBytes);
      const { contentLength } = head;
      const body = contentLength === 0 ? null : new ReceivedBody(contentLength, maxBodyBytes, this.#host);
      const inform = (interim: ResponseHead): void => this.#host.inform(interim);
      return new Exchange({ head, body, peer, trustedProxies, inform });
    } catch (error) {
      this.#refuse(error, peer);
      return null;
    }
  }

  #mounted(request: GatewayRequest): GatewayRequest {
    const { mount } = this.#options;
    if (mount === '') return request;
    const rest = behindMount(request.path, mount);
    if (rest === undefined)
      throw new GatewayError(404, 'XGI_ROUTE_NONE', `nothing is served here; it is below ${mount}`);
    return new MountedRequest(request, request.path.length - rest.length);
  }

  #attempt(hand: (body: ReceivedBody) => void): void {
    const { body } = this;
    if (body === null || body.ended) return;
    try {
      hand(body);
    } catch (error) {
      this.#refuseBody(error as Error);
    }
  }

  /** Ends a request whose body cannot be taken. */
  #refuseBody(error: Error): void {
    const exchange = this.#exchange!;
    exchange.body?.fail(error);
    if (exchange.complete) return;
    if (exchange.answered) {
      this.#host.cut(error);
      return;
    }
    this.fail(exchange, error);
    exchange.abort();
  }

  /** Answers what never became a request. */
  #refuse(error: unknown, peer: Peer): void {
    logError(this.#options.log, error, { client: peer.remoteAddress });
    const { head, body } = errorResponse(error);
    const bytes = body.kind === 'bytes' ? body.bytes : '';
    this.#host.begin(head, { addLength: bytes.length, hasBody: true, trailers: [] });
    this.#host.end(bytes, []);
  }

  #write(exchange: Exchange, response: GatewayResponse): void {
    checkAnswer(response);
    const { head, body } = response;
    if (body.kind === 'tunnel')
      throw new GatewayError(501, 'XGI_HTTP_TUNNEL', 'a tunnel needs a connection of xgi’s own server');
    const noBody = hasNoBody(exchange.method, head.status);
    const length = fitLength(head, body, noBody);
    const hasBody = !noBody && body.kind !== 'empty';
    const trailers = trailersOf(body, hasBody && length === -1 && this.#takesTrailers);
    this.#host.begin(head, {
      addLength: lengthToAdd(head, length, noBody),
      hasBody,
      trailers: trailers?.names ?? [],
    });
    exchange.answered = true;
    exchange.responseHead = head;
    if (!hasBody) {
      disposeBody(body);
      this.#written(exchange, '');
    } else if (body.kind === 'bytes') {
      exchange.bodyBytes = length;
      this.#written(exchange, body.bytes.length > length ? body.bytes.slice(0, length) : body.bytes);
    } else {
      const ending = (): '' => {
        if (trailers !== undefined) this.#trailers = readTrailers(trailers);
        return '';
      };
      this.#writeLong(exchange, body, { length, ending });
    }
  }

  #writeLong(
    exchange: Exchange,
    body: Extract<ResponseBody, { kind: 'file' | 'stream' }>,
    { length, ending }: { readonly length: number; readonly ending: () => '' },
  ): void {
    const options = {
      socket: this.#host.bodyStream(),
      framing: length === -1 ? ('close' as const) : ('length' as const),
      length,
      ending,
      done: (complete: boolean, bodyBytes: number, error?: Error): void => {
        this.#writer = null;
        exchange.bodyBytes = bodyBytes;
        if (complete) {
          this.#written(exchange, undefined);
          return;
        }
        if (error !== undefined && !this.#closed) this.#logError(error, exchange);
        this.#host.cut(error);
      },
      failedLate: (error: Error): void => this.#logError(error, exchange),
    };
    if (body.kind === 'file') {
      void writeFile(body.file, options);
      return;
    }
    this.#writer = new StreamWriter(body.source, options);
    try {
      this.#writer.start();
    } catch (error) {
      this.#writer?.error(error as Error);
    }
  }

  #written(exchange: Exchange, bytes: Buffer | string | undefined): void {
    exchange.complete = true;
    publishExchange(exchange, false);
    exchange.release();
    this.#host.end(bytes, this.#trailers);
    exchange.body?.fail(new RemoteProtocolError(400, 'XGI_HTTP_BODY_UNREAD', 'the response is complete'));
  }

  #logError(error: unknown, exchange: Exchange): void {
    logRequestError(this.#options.log, error, exchange);
  }
}
