/**
 * One client connection: HTTP/1.1 from the first byte to the last (RFC 9112).
 *
 * Life of a connection:
 *  1. Bytes go into the parser; a head makes an exchange, and the handler is called.
 *  2. While an exchange is open nothing of the next request is parsed: responses leave in order, and a client that sends
 *     ahead is held back by its own socket.
 *  3. The response is written; what is left of the request body is read and dropped, if it is little.
 *  4. The connection goes back to 1, or lingers: its end is sent, and what still comes is dropped for a while, so that the
 *     client reads the response before it meets a reset (RFC 9112 section 9.6).
 *
 * Knows no handler, no program and no timer of its own: the server asks `check` a few times a second.
 */
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { GatewayError, isInstance, RemoteProtocolError } from '../errors.js';
import { checkAnswer, misfit } from '../http/answer-check.js';
import type { TrustedProxies } from '../http/forwarded.js';
import type { ResponseHead } from '../http/response-head.js';
import { readInto } from '../io/read-into.js';
import type { GatewayResponse, Handler, HttpDeadlines, HttpLimits, Log, Peer, Tunnel } from '../types.js';
import { answerError, dropResponse, errorResponse, logError, logRequestError } from './error-response.js';
import { callHandler, Exchange, type Responder } from './exchange.js';
import type { HalfClosed, HalfClosedConnection } from './half-closed.js';
import type { RequestHead } from './http1/request-head.js';
import { DATA, END, HEAD, RequestParser } from './http1/request-parser.js';
import { serializeHead, serializeInterim } from './http1/response-serializer.js';
import { Lingering } from './lingering.js';
import { RequestBodyStream, type BodyOrigin } from './request-body.js';
import { publishExchange, publishRefusal } from './request-record.js';
import type { ServedConnection } from './served-connection.js';
import { ResponseWriter, type ResponseOwner } from './response-writer.js';
import { TunnelStream } from './tunnel-stream.js';
import { WriteProgress } from './write-progress.js';

/** A connection that can be served. */
export interface AcceptedConnection {
  /** Paused; the connection takes its handle over, and what it holds already. With TLS, the socket below. */
  readonly accepted: Socket;
  /** With TLS: what HTTP is spoken on. */
  readonly secure?: TLSSocket;
  readonly peer: Peer;
  readonly handler: Handler;
}

/** What all connections of a server share. */
export interface ConnectionContext {
  readonly limits: HttpLimits;
  readonly deadlines: HttpDeadlines;
  readonly trustedProxies: TrustedProxies;
  readonly tellsDetails: boolean;
  readonly log: Log;
  readonly halfClosed: HalfClosed;
  /** `performance.now()` at the beginning of the shutdown, or undefined. */
  drainingSinceMs: number | undefined;
  /** How long an idle connection may still send a request then. */
  drainIdleMs: number;
  /** Called once when the connection is no more. */
  readonly closed: (connection: ServedConnection) => void;
  /** The value of Strict-Transport-Security over TLS; '' for none. */
  readonly hsts: string;
}

/** A client that sends ahead is held back when so much is unread. */
const MAX_UNREAD_BYTES = 65_536;

/** How long a half-closed connection is silent before the system asks whether its client is there. */
const KEEPALIVE_MS = 15_000;

/** All connections are read through one buffer: a read is consumed, or copied, before the next one starts. */
const READ_BUFFER = Buffer.allocUnsafeSlow(65_536);

export class Connection
  implements ServedConnection, Responder, BodyOrigin, HalfClosedConnection, ResponseOwner
{
  readonly #socket: Socket;
  readonly #context: ConnectionContext;
  readonly #parser: RequestParser;
  readonly #peer: Peer;
  readonly #handler: Handler;
  #exchange: Exchange | null = null;
  readonly #writer: ResponseWriter;
  readonly #writeProgress: WriteProgress;
  #requests = 0;
  /** Since when the connection is in its present state: idle, or inside a head. */
  #sinceMs: number = performance.now();
  #insideHead = false;
  #advancing = false;
  #inputEnded = false;
  #lingering: Lingering | null = null;
  #tunnel: TunnelStream | null = null;

  constructor({ accepted, secure, peer, handler }: AcceptedConnection, context: ConnectionContext) {
    this.#context = context;
    this.#parser = new RequestParser(context.limits);
    this.#peer = peer;
    this.#handler = handler;
    const receive = (chunk: Buffer, length: number): void => this.#receive(chunk, length);
    const early = accepted.readableLength === 0 ? null : (accepted.read() as Buffer | null);
    const socket =
      secure === undefined
        ? readInto(accepted, READ_BUFFER, receive)
        : secure.on('data', (chunk: Buffer) => receive(chunk, chunk.length));
    const carrier = secure === undefined ? socket : accepted;
    this.#socket = socket;
    this.#writer = new ResponseWriter({
      socket,
      owner: this,
      hsts: secure === undefined ? '' : context.hsts,
      // A Unix-domain socket knows no reset, and TLS needs none: without close_notify it is no end (RFC 9112 section 9.8).
      reset: () => (peer.isUnix || secure !== undefined ? socket.destroy() : socket.resetAndDestroy()),
    });
    this.#writeProgress = new WriteProgress(socket, carrier);
    socket.on('end', () => this.#endOfInput());
    socket.on('drain', () => this.#advance());
    // A reset or a broken pipe is followed by 'close'.
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#closed();
      context.closed(this);
    });
    if (early !== null) this.#receive(early, early.length);
  }

  // --- input ---

  #receive(chunk: Buffer, length: number): void {
    if (this.#lingering !== null) {
      this.#lingering.receive(length);
      return;
    }
    if (this.#tunnel !== null) {
      this.#tunnel.receive(Buffer.from(chunk.subarray(0, length)));
      return;
    }
    this.#parser.push(chunk, length);
    this.#advance();
    this.#parser.keep();
  }

  #endOfInput(): void {
    this.#inputEnded = true;
    this.#tunnel?.endOfInput();
    this.#advance();
    if (this.#exchange !== null) this.#watchClient();
  }

  /** It has ended its input, and waits for an answer. */
  #watchClient(): void {
    this.#context.halfClosed.add(this);
    // Of a client that has gone, the system hears a reset when the client's has forgotten the connection: on Linux after 60 s.
    this.#socket.setKeepAlive(true, KEEPALIVE_MS);
  }

  askClient(): boolean {
    const exchange = this.#exchange;
    const socket = this.#socket;
    if (exchange === null || exchange.complete || socket.destroyed) return false;
    // Of nothing: it fails if a reset has come, and then closes the connection. What is being sent already finds that out by itself.
    if (socket.writableLength === 0) socket.write('');
    if (socket.errored === null) exchange.inputEnded();
    return true;
  }

  /** Goes as far as the bytes at hand allow. */
  #advance(): void {
    // A handler that answers at once comes back here from within; the loop below goes on by itself.
    if (this.#advancing || this.#tunnel !== null) return;
    this.#advancing = true;
    try {
      while (this.#step());
    } catch (error) {
      this.#refuse(error as Error);
    }
    this.#advancing = false;
    this.#noteState();
  }

  /** @returns whether there may be more to do at once */
  #step(): boolean {
    const exchange = this.#exchange;
    if (exchange === null) {
      if (this.#lingering !== null || this.#socket.destroyed || this.#socket.writableNeedDrain) return false;
      if (this.#parser.next() !== HEAD) return this.#allRead();
      this.#open(this.#parser.head!);
      return this.#tunnel === null;
    }
    const body = exchange.body;
    if (body === null || !body.wanted) return false;
    switch (this.#parser.next()) {
      case DATA:
        body.receive(this.#parser.data);
        return true;
      case END:
        body.finish();
        if (exchange.complete && this.#exchange === exchange) this.#next();
        return true;
      default:
        return this.#allRead();
    }
  }

  /** The bytes at hand are used up. If no more will come, an idle connection ends, and a request under way is broken. */
  #allRead(): false {
    if (!this.#inputEnded) return false;
    if (this.#exchange !== null)
      throw new RemoteProtocolError(400, 'XGI_HTTP_BODY_INCOMPLETE', 'the input ends inside a body');
    if (this.#parser.unread > 0)
      throw new RemoteProtocolError(400, 'XGI_HTTP_HEAD_INCOMPLETE', 'the input ends inside a head');
    this.#linger();
    return false;
  }

  /** Notes when a head began, and holds a client back that sends more than is wanted now. */
  #noteState(): void {
    if (this.#exchange === null) {
      const inside = this.#parser.unread > 0;
      if (inside !== this.#insideHead) {
        this.#insideHead = inside;
        this.#sinceMs = performance.now();
      }
    }
    const socket = this.#socket;
    if (this.#lingering !== null || this.#tunnel !== null) return;
    if (this.#parser.unread > MAX_UNREAD_BYTES && !this.#wantsInput()) socket.pause();
    else if (socket.isPaused()) socket.resume();
  }

  /** Whether the parser is at work: then what it leaves unread is a part of a head, and has limits of its own. */
  #wantsInput(): boolean {
    if (this.#exchange === null) return !this.#socket.writableNeedDrain;
    return this.#exchange.body?.wanted ?? false;
  }

  // --- request ---

  #begin(head: RequestHead): Exchange {
    this.#requests++;
    this.#insideHead = false;
    const body = head.contentLength === 0 ? null : new RequestBodyStream(head.contentLength, this);
    const exchange = new Exchange({
      head,
      body,
      peer: this.#peer,
      trustedProxies: this.#context.trustedProxies,
      inform: this.#inform,
    });
    this.#exchange = exchange;
    return exchange;
  }

  #open(head: RequestHead): void {
    const exchange = this.#begin(head);
    if (this.#inputEnded) this.#watchClient();
    callHandler(this.#handler, exchange, this);
  }

  readBody(): void {
    const exchange = this.#exchange;
    if (
      exchange !== null &&
      exchange.head.expectContinue &&
      !exchange.answered &&
      this.#parser.unread === 0 &&
      !this.#continued
    ) {
      this.#continued = true;
      this.#socket.write('HTTP/1.1 100 Continue\r\n\r\n', 'latin1');
    }
    this.#advance();
  }
  #continued = false;

  readonly #inform = (head: ResponseHead): void => {
    this.#socket.write(serializeInterim(head), 'latin1');
  };

  // --- response ---

  respond(exchange: Exchange, response: GatewayResponse): void {
    try {
      if (exchange.answered) dropResponse(this.#context.log, response, exchange);
      else this.#write(exchange, response);
    } catch (error) {
      dropResponse(this.#context.log, response, exchange);
      this.fail(exchange, error);
    }
  }

  fail(exchange: Exchange, error: unknown, mayPersist = !isInstance(error, RemoteProtocolError)): void {
    if (exchange.answered) return;
    const { log, tellsDetails } = this.#context;
    answerError(error, {
      log,
      request: exchange,
      tellsDetails,
      write: (response) => this.#write(exchange, response, mayPersist),
      cut: () => this.#socket.destroy(),
    });
  }

  #logError(exchange: Exchange, error: unknown): void {
    logRequestError(this.#context.log, error, exchange);
  }

  #write(exchange: Exchange, response: GatewayResponse, mayPersist = true): void {
    checkAnswer(response);
    const { head, body } = response;
    if (body.kind === 'tunnel') this.#switch(exchange, head, body.accept);
    else this.#writer.write(exchange, response, mayPersist);
  }

  failed(exchange: Exchange, error: Error): void {
    this.#logError(exchange, error);
  }

  /** Leaves HTTP: the connection becomes a stream of bytes (RFC 9110 section 7.8). */
  #switch(exchange: Exchange, head: ResponseHead, accept: Tunnel): void {
    if (head.status !== 101 || !exchange.head.upgrade || exchange.body !== null) {
      throw misfit('a tunnel needs status 101 and a request with Upgrade and without a body');
    }
    const socket = this.#socket;
    exchange.answered = true;
    exchange.responseHead = head;
    socket.write(serializeInterim(head), 'latin1');
    this.#close();
    const tunnel = new TunnelStream(socket);
    this.#tunnel = tunnel;
    if (this.#inputEnded) tunnel.endOfInput();
    try {
      accept(tunnel, this.#parser.takeUnread());
    } catch (error) {
      this.#logError(exchange, error);
      tunnel.destroy();
    }
  }

  mayPersist(exchange: Exchange, streaming: boolean): boolean {
    if (
      !exchange.head.keepAlive ||
      this.#context.drainingSinceMs !== undefined ||
      this.#context.deadlines.keepAliveMs === 0
    )
      return false;
    if (this.#inputEnded && this.#parser.unread === 0) return false;
    const body = exchange.body;
    if (body === null || body.ended) return true;
    // A client that waits for `100 Continue` and gets a final response may send the body or not: nobody can tell.
    if (exchange.head.expectContinue && !this.#continued && this.#parser.unread === 0) return false;
    // Who streams an answer may still be reading; what is left then is seen to when the answer is complete.
    return (streaming && body.consumed) || body.discard();
  }

  written(exchange: Exchange, keepAlive: boolean): void {
    if (this.#exchange !== exchange) return;
    exchange.complete = true;
    if (!keepAlive || !readsOn(exchange)) {
      exchange.body?.fail(new RemoteProtocolError(400, 'XGI_HTTP_BODY_UNREAD', 'the response is complete'));
      this.#close();
      this.#linger();
    } else if (exchange.body !== null && !exchange.body.ended) {
      this.#advance();
    } else {
      this.#next();
      this.#advance();
    }
  }

  /** Ends the exchange. */
  #next(): void {
    this.#close();
    this.#continued = false;
    this.#sinceMs = performance.now();
    if (this.#inputEnded && this.#parser.unread === 0) this.#linger();
  }

  #close(): void {
    const exchange = this.#exchange;
    this.#exchange = null;
    if (exchange === null) return;
    publishExchange(exchange, false);
    exchange.release();
  }

  // --- ends ---

  /** Answers what cannot be served, and closes. */
  #refuse(error: Error): void {
    if (this.#socket.destroyed || this.#lingering !== null) return;
    const refused = this.#parser.refusedHead;
    const exchange = this.#exchange ?? (refused === undefined ? null : this.#begin(refused));
    if (exchange !== null) {
      exchange.body?.fail(error);
      if (exchange.complete) {
        this.#close();
        this.#linger();
        return;
      }
      if (exchange.answered) {
        // The response is under way: only the connection can tell the client now.
        this.#socket.destroy();
        return;
      }
      // Even if the error is ours, what is left of the request cannot be told from the next one.
      this.fail(exchange, error, false);
      exchange.abort();
      return;
    }
    logError(this.#context.log, error, { client: this.#peer.remoteAddress });
    const { head, body } = errorResponse(error);
    const bytes = body.kind === 'bytes' ? body.bytes.toString('latin1') : '';
    const text = serializeHead(head, {
      framing: 'length',
      addLength: bytes.length,
      keepAlive: false,
      http10: false,
      hsts: '',
    });
    this.#socket.write(text + bytes, 'latin1');
    publishRefusal(this.#peer, head, bytes.length);
    this.#linger();
  }

  #linger(): void {
    this.#lingering ??= new Lingering(this.#socket);
  }

  #closed(): void {
    const exchange = this.#exchange;
    this.#exchange = null;
    if (exchange === null) return;
    publishExchange(exchange, true);
    exchange.answered = true;
    exchange.body?.fail(
      new RemoteProtocolError(400, 'XGI_HTTP_CLIENT_GONE', 'the client has closed the connection'),
    );
    this.#writer.cancel();
    exchange.abort();
    exchange.release();
  }

  // --- time ---

  /** Ends what is over its deadline. Called a few times a second. */
  check(nowMs: number): void {
    const { deadlines, drainingSinceMs, drainIdleMs } = this.#context;
    const socket = this.#socket;
    if (this.#tunnel !== null) return;
    if (this.#writeProgress.overdue(nowMs, deadlines)) {
      socket.destroy();
      return;
    }
    if (this.#lingering !== null) {
      this.#lingering.check(nowMs);
      return;
    }
    const exchange = this.#exchange;
    if (exchange !== null) {
      const overdue = exchange.body?.overdue(nowMs, deadlines);
      if (overdue !== undefined) this.#refuse(overdue);
      return;
    }
    // While the client has yet to take our answer, only the write deadline counts; the next request may be waiting for that.
    if (this.#insideHead ? socket.writableNeedDrain : socket.writableLength > 0) this.#sinceMs = nowMs;
    const elapsedMs = nowMs - this.#sinceMs;
    if (this.#insideHead) {
      if (elapsedMs > deadlines.headMs) {
        this.#refuse(
          new RemoteProtocolError(
            408,
            'XGI_HTTP_HEAD_SLOW',
            `the head was not complete after ${deadlines.headMs} ms`,
          ),
        );
      }
    } else if (elapsedMs > (this.#requests === 0 ? deadlines.headMs : deadlines.keepAliveMs)) {
      this.#linger();
    } else if (
      drainingSinceMs !== undefined &&
      nowMs - Math.max(drainingSinceMs, this.#sinceMs) > drainIdleMs
    ) {
      this.#linger();
    }
  }

  /** Whether a request is under way. */
  get isBusy(): boolean {
    return this.#exchange !== null;
  }

  /** Answers a request that will not be finished, if nothing has been sent yet. */
  cutOff(): void {
    const exchange = this.#exchange;
    if (exchange === null || exchange.answered) return;
    this.fail(exchange, new GatewayError(503, 'XGI_STOPPING', 'the server is being stopped'), false);
    exchange.abort();
  }

  destroy(): void {
    this.#socket.destroy();
  }
}

/** Whether the request body is at its end, or what is left of it is going to be read and dropped. */
function readsOn({ body }: Exchange): boolean {
  return body === null || body.ended || body.discard();
}
