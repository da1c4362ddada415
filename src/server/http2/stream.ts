/**
 * One request of an HTTP/2 connection and its response: what `connection.ts` is for HTTP/1.1, with the same Exchange, bodies and errors.
 *
 * Life of a stream: the head is read; the handler is called; its response is written; what the client still sends then is refused with
 * RST_STREAM NO_ERROR (RFC 9113 section 8.1). A stream that ends before is an abort.
 */
import { constants, type ServerHttp2Stream } from 'node:http2';
import { disposeBody } from '../../bodies/dispose-body.js';
import { GatewayError, RemoteProtocolError } from '../../errors.js';
import { checkAnswer } from '../../http/answer-check.js';
import { hasNoBody, type ResponseHead } from '../../http/response-head.js';
import { readTrailers } from '../../http/trailers.js';
import type { GatewayResponse, Handler, Peer, ResponseBody, Trailers } from '../../types.js';
import { StreamWriter } from '../body-writer.js';
import type { ConnectionContext } from '../connection.js';
import { answerError, dropResponse, errorResponse, logError, logRequestError } from '../error-response.js';
import { callHandler, Exchange, type Responder } from '../exchange.js';
import { writeFile } from '../file-writer.js';
import { PacedStream } from '../paced-stream.js';
import { RequestBodyStream, type BodyOrigin } from '../request-body.js';
import { publishExchange, publishRefusal } from '../request-record.js';
import { fitLength, lengthToAdd, trailersOf } from '../response-writer.js';
import { readRequestHead } from './request-head.js';
import { fieldsOf, interimFields, responseFields } from './response-fields.js';

const { NGHTTP2_FLAG_END_STREAM, NGHTTP2_NO_ERROR } = constants;

/** What the streams of a connection share. */
export interface StreamContext {
  readonly connection: ConnectionContext;
  readonly peer: Peer;
  readonly handler: Handler;
  /** The stream is no more. @param wasReset the client ended it before its response was complete */
  readonly closed: (stream: Http2Stream, wasReset: boolean) => void;
}

export class Http2Stream implements BodyOrigin, Responder {
  readonly #stream: ServerHttp2Stream;
  readonly #context: StreamContext;
  #exchange: Exchange | null = null;
  #writer: StreamWriter | null = null;
  #paced: PacedStream | null = null;
  #reading = false;
  #continued = false;
  #received = 0;
  /** When everything was given to the stream; 0 before. */
  #writtenAtMs = 0;
  /** We have reset it, or it was answered. */
  #ours = false;

  /**
   * @param list the header list as received: name, value, name, value …
   * @param flags of the HEADERS frame
   */
  constructor(stream: ServerHttp2Stream, list: readonly string[], flags: number, context: StreamContext) {
    this.#stream = stream;
    this.#context = context;
    // What goes wrong ends the stream, which is told of by 'close'.
    stream.on('error', () => {});
    stream.on('close', () => this.#closed());
    // Reset in the same breath.
    if (stream.destroyed) return;
    this.#open(list, (flags & NGHTTP2_FLAG_END_STREAM) === 0);
  }

  // --- request ---

  #open(list: readonly string[], hasBody: boolean): void {
    const { connection, peer, handler } = this.#context;
    let exchange: Exchange;
    try {
      const head = readRequestHead(list, hasBody, connection.limits);
      if (head.contentLength > connection.limits.maxBodyBytes) throw bodyTooLarge(connection.limits);
      const body = head.contentLength === 0 ? null : new RequestBodyStream(head.contentLength, this);
      const { trustedProxies } = connection;
      exchange = new Exchange({ head, body, peer, trustedProxies, inform: this.#inform });
    } catch (error) {
      this.#refuse(error as Error);
      return;
    }
    this.#exchange = exchange;
    // To its end, which has come, or comes with an empty DATA frame: Node resets a stream that was not read. If it has come, not before the
    // response has left: Node would destroy the stream before it tells of the last write, and make an error for nobody (3 us).
    if (exchange.body === null) {
      if (hasBody) this.#stream.resume();
      else this.#stream.once('finish', resume);
    }
    callHandler(handler, exchange, this);
  }

  readBody(): void {
    const stream = this.#stream;
    const exchange = this.#exchange;
    if (exchange !== null && exchange.head.expectContinue && !exchange.answered && !this.#continued) {
      this.#continued = true;
      if (!this.#isGone) stream.additionalHeaders({ ':status': 100 });
    }
    if (!this.#reading) {
      this.#reading = true;
      stream.on('data', (chunk: Buffer) => this.#receive(chunk));
      stream.on('end', () => this.#endOfInput());
    }
    if (stream.isPaused()) stream.resume();
  }

  #receive(chunk: Buffer): void {
    const body = this.#exchange?.body;
    if (body === null || body === undefined || body.ended) return;
    const { limits } = this.#context.connection;
    try {
      this.#received += chunk.length;
      if (this.#received > limits.maxBodyBytes) throw bodyTooLarge(limits);
      body.receive(chunk);
    } catch (error) {
      this.#refuseBody(error as Error);
    }
    if (!body.wanted) this.#stream.pause();
  }

  /** Node says the same of a stream that the client has reset with NO_ERROR, which is no end of a body. */
  #endOfInput(): void {
    const body = this.#exchange?.body;
    if (body === null || body === undefined || body.ended || this.#stream.closed) return;
    try {
      body.finish();
    } catch (error) {
      this.#refuseBody(error as Error);
    }
  }

  readonly #inform = (head: ResponseHead): void => {
    if (!this.#isGone) this.#stream.additionalHeaders(interimFields(head));
  };

  // --- response ---

  respond(exchange: Exchange, response: GatewayResponse): void {
    try {
      if (exchange.answered || this.#isGone) dropResponse(this.#context.connection.log, response, exchange);
      else this.#write(exchange, response);
    } catch (error) {
      dropResponse(this.#context.connection.log, response, exchange);
      this.fail(exchange, error);
    }
  }

  fail(exchange: Exchange, error: unknown): void {
    if (exchange.answered || this.#isGone) return;
    const { log, tellsDetails } = this.#context.connection;
    answerError(error, {
      log,
      request: exchange,
      tellsDetails,
      write: (response) => this.#write(exchange, response),
      cut: () => this.#cut(),
    });
  }

  #logError(exchange: Exchange, error: unknown): void {
    logRequestError(this.#context.connection.log, error, exchange);
  }

  #write(exchange: Exchange, response: GatewayResponse): void {
    checkAnswer(response);
    const { head, body } = response;
    if (body.kind === 'tunnel')
      throw new GatewayError(501, 'XGI_HTTP2_TUNNEL', 'a tunnel needs HTTP/1.1 and its Upgrade');
    const noBody = hasNoBody(exchange.method, head.status);
    const length = fitLength(head, body, noBody);
    const isEmpty = noBody || body.kind === 'empty';
    const trailers = trailersOf(body, !isEmpty && length === -1);
    const fields = responseFields(head, {
      addLength: lengthToAdd(head, length, noBody),
      hsts: this.#context.connection.hsts,
    });
    if (trailers === undefined) this.#stream.respond(fields, { endStream: isEmpty });
    else this.#stream.respond({ ...fields, trailer: trailers.names.join(', ') }, { waitForTrailers: true });
    exchange.answered = true;
    exchange.responseHead = head;
    if (isEmpty) {
      disposeBody(body);
      this.#written(exchange);
    } else if (body.kind === 'bytes' && length <= MAX_DIRECT_BYTES) {
      exchange.bodyBytes = length;
      const bytes = body.bytes.length > length ? body.bytes.slice(0, length) : body.bytes;
      this.#stream.end(bytes, 'latin1', body.taken);
      this.#written(exchange);
    } else {
      this.#writeLong(exchange, body, { length, trailers });
    }
  }

  #writeLong(
    exchange: Exchange,
    body: Exclude<ResponseBody, { kind: 'empty' | 'tunnel' }>,
    { length, trailers }: { readonly length: number; readonly trailers: Trailers | undefined },
  ): void {
    const paced = new PacedStream(this.#stream);
    this.#paced = paced;
    const options = {
      socket: paced,
      framing: length === -1 ? ('close' as const) : ('length' as const),
      length,
      ...(trailers !== undefined && { ending: () => this.#endWith(trailers) }),
      done: (complete: boolean, bodyBytes: number, error?: Error): void => {
        this.#writer = null;
        exchange.bodyBytes = bodyBytes;
        if (complete) {
          paced.end();
          this.#written(exchange);
          return;
        }
        if (error !== undefined && !this.#stream.destroyed) this.#logError(exchange, error);
        this.#cut();
      },
      failedLate: (error: Error): void => this.#logError(exchange, error),
    };
    if (body.kind === 'bytes') {
      const { bytes, taken } = body;
      paced.write(
        typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes.subarray(0, length),
        taken,
      );
      options.done(true, length);
    } else if (body.kind === 'file') {
      void writeFile(body.file, { ...options, bufferBytes: FILE_BUFFER_BYTES });
    } else {
      this.#writer = new StreamWriter(body.source, options);
      try {
        this.#writer.start();
      } catch (error) {
        this.#writer?.error(error as Error);
      }
    }
  }

  /** They leave when all that was written before has left. @returns nothing that would be written */
  #endWith(trailers: Trailers): '' {
    const fields = fieldsOf(readTrailers(trailers));
    this.#stream.once('wantTrailers', () => this.#stream.sendTrailers(fields));
    return '';
  }

  /** Everything has been given to the stream. */
  #written(exchange: Exchange): void {
    this.#writtenAtMs = performance.now();
    this.#ours = true;
    exchange.complete = true;
    publishExchange(exchange, false);
    exchange.release();
    if (exchange.body === null || exchange.body.ended) return;
    exchange.body.fail(new RemoteProtocolError(400, 'XGI_HTTP_BODY_UNREAD', 'the response is complete'));
    const end = (): void => this.#refuseRest();
    if (this.#stream.writableFinished) end();
    else this.#stream.once('finish', end);
  }

  /** The client has reset the stream; 'close' is about to say so. Node throws if something is written then. */
  get #isGone(): boolean {
    return this.#stream.destroyed || this.#stream.closed;
  }

  /** The response is complete; nobody reads what the client still sends. */
  #refuseRest(): void {
    if (!this.#stream.destroyed) this.#stream.close(NGHTTP2_NO_ERROR);
  }

  /**
   * Resets the stream, so that nobody takes its response for complete. Not by `close`, which ends what was written first: its END_STREAM would
   * leave before the RST_STREAM.
   */
  #cut(): void {
    this.#ours = true;
    this.#stream.destroy(new Error('the response is cut off'));
  }

  // --- ends ---

  /** Answers what never became a request. */
  #refuse(error: Error): void {
    const { connection, peer } = this.#context;
    logError(connection.log, error, { client: peer.remoteAddress });
    if (this.#isGone) return;
    const { head, body } = errorResponse(error);
    const bytes = body.kind === 'bytes' ? body.bytes : '';
    this.#ours = true;
    this.#stream.respond(responseFields(head, { addLength: bytes.length, hsts: '' }));
    this.#writtenAtMs = performance.now();
    this.#stream.end(bytes);
    this.#stream.once('finish', () => this.#refuseRest());
    publishRefusal(peer, head, bytes.length);
  }

  /** Ends a request whose body cannot be taken. */
  #refuseBody(error: Error): void {
    const exchange = this.#exchange!;
    exchange.body?.fail(error);
    if (exchange.complete) return;
    if (exchange.answered) {
      this.#cut();
      return;
    }
    this.fail(exchange, error);
    exchange.abort();
  }

  #closed(): void {
    const exchange = this.#exchange;
    this.#exchange = null;
    const wasReset = !this.#ours;
    if (exchange !== null && !exchange.complete) {
      publishExchange(exchange, true);
      exchange.answered = true;
      exchange.body?.fail(
        new RemoteProtocolError(400, 'XGI_HTTP_CLIENT_GONE', 'the client has ended the request'),
      );
      this.#writer?.cancel();
      exchange.abort();
      exchange.release();
    }
    this.#context.closed(this, wasReset);
  }

  // --- time ---

  /** Ends what is over its deadline. */
  check(nowMs: number): void {
    const { deadlines } = this.#context.connection;
    const overdue = this.#exchange?.body?.overdue(nowMs, deadlines);
    if (overdue !== undefined) this.#refuseBody(overdue);
    if (nowMs - this.#takenAtMs(nowMs) > deadlines.writeIdleMs) this.#cut();
  }

  /** When the client has last taken something of what there is for it. */
  #takenAtMs(nowMs: number): number {
    const paced = this.#paced;
    if (paced !== null && paced.writableLength > 0) return paced.progressAtMs;
    const waits = this.#writtenAtMs !== 0 && !this.#stream.writableFinished;
    return waits ? Math.max(this.#writtenAtMs, paced?.progressAtMs ?? 0) : nowMs;
  }

  /** Answers a request that will not be finished, if nothing has been sent yet. */
  cutOff(): void {
    const exchange = this.#exchange;
    if (exchange === null || exchange.answered) return;
    this.fail(exchange, new GatewayError(503, 'XGI_STOPPING', 'the server is being stopped'));
    exchange.abort();
  }
}

function resume(this: ServerHttp2Stream): void {
  this.resume();
}

/** What fits one DATA frame is written at once. */
const MAX_DIRECT_BYTES = 16_384;

/** Of two. A connection of HTTP/1.1 sends one file at a time; of these there may be a hundred, which nobody takes. */
const FILE_BUFFER_BYTES = 65_536;

function bodyTooLarge({ maxBodyBytes }: { readonly maxBodyBytes: number }): RemoteProtocolError {
  return new RemoteProtocolError(413, 'XGI_HTTP_BODY_SIZE', `the body is larger than ${maxBodyBytes} bytes`);
}
