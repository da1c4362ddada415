/**
 * Writes the responses of one connection: decides the framing, then writes head and body.
 *
 * Head and body that do not fit together are refused before anything is written. After that a response either reaches its end or
 * is truncated in a way that no client can take for an end.
 */
import type { Socket } from 'node:net';
import { bodyLength } from '../bodies/body-length.js';
import { disposeBody } from '../bodies/dispose-body.js';
import { misfit } from '../http/answer-check.js';
import { combinedValue } from '../http/field-values.js';
import { hasNoBody, type ResponseHead } from '../http/response-head.js';
import { checkTrailerNames, readTrailers } from '../http/trailers.js';
import type { GatewayResponse, ResponseBody, Trailers } from '../types.js';
import { StreamWriter } from './body-writer.js';
import type { Exchange } from './exchange.js';
import { writeFile } from './file-writer.js';
import { type Framing, serializeHead, serializeLastChunk } from './http1/response-serializer.js';

/** Who owns the connection. */
export interface ResponseOwner {
  /** Whether the connection can go on after this response. Asked once, before the head is written. */
  mayPersist(exchange: Exchange, streaming: boolean): boolean;
  /** The whole response has been given to the socket. */
  written(exchange: Exchange, keepAlive: boolean): void;
  /** The body could not be completed, and the client is being told; or its source has failed when it was complete. */
  failed(exchange: Exchange, error: Error): void;
}

/** How a response is put on the wire. */
interface Plan {
  readonly text: string;
  readonly framing: Framing;
  /** Bytes of the body; -1 if only its end will tell. */
  readonly length: number;
  readonly keepAlive: boolean;
  /** Those that are sent. */
  readonly trailers: Trailers | undefined;
}

export interface ResponseWriterOptions {
  readonly socket: Socket;
  readonly owner: ResponseOwner;
  /** The value of Strict-Transport-Security; '' for none. */
  readonly hsts: string;
  /** Destroys the connection, in a way that is no end for the client if there is one. */
  readonly reset: () => void;
}

export class ResponseWriter {
  readonly #socket: Socket;
  readonly #owner: ResponseOwner;
  readonly #hsts: string;
  readonly #reset: () => void;
  #stream: StreamWriter | null = null;

  constructor({ socket, owner, hsts, reset }: ResponseWriterOptions) {
    this.#socket = socket;
    this.#owner = owner;
    this.#hsts = hsts;
    this.#reset = reset;
  }

  /**
   * Writes a final response.
   *
   * @param mayPersist false closes the connection after it, whatever the owner says
   * @throws LocalProtocolError before anything is written, if head and body do not fit together
   */
  write(exchange: Exchange, { head, body }: GatewayResponse, mayPersist: boolean): void {
    const plan = this.#plan(exchange, head, body, mayPersist);
    exchange.answered = true;
    exchange.responseHead = head;
    if (plan.framing === 'none') {
      disposeBody(body);
      this.#socket.write(plan.text, 'latin1');
      this.#owner.written(exchange, plan.keepAlive);
      return;
    }
    switch (body.kind) {
      case 'empty':
        this.#socket.write(plan.text, 'latin1');
        this.#owner.written(exchange, plan.keepAlive);
        return;
      case 'bytes':
        this.#writeBytes(exchange, body, plan);
        return;
      case 'file':
      case 'stream':
        this.#writeLong(exchange, body, plan);
    }
  }

  /** The client has gone: nothing more is asked of the source. */
  cancel(): void {
    this.#stream?.cancel();
    this.#stream = null;
  }

  #plan(exchange: Exchange, head: ResponseHead, body: ResponseBody, mayPersist: boolean): Plan {
    const { status } = head;
    const http10 = exchange.httpVersion === '1.0';
    const noBody = hasNoBody(exchange.method, status);
    const length = fitLength(head, body, noBody);
    const framing: Framing = noBody ? 'none' : length !== -1 ? 'length' : http10 ? 'close' : 'chunked';
    const keepAlive =
      mayPersist && framing !== 'close' && this.#owner.mayPersist(exchange, body.kind === 'stream');
    const trailers = trailersOf(body, framing === 'chunked' && takesTrailers(exchange));
    const text = serializeHead(head, {
      framing,
      addLength: lengthToAdd(head, length, noBody),
      keepAlive,
      http10,
      hsts: this.#hsts,
      ...(trailers !== undefined && { trailers: trailers.names }),
    });
    return { text, framing, length, keepAlive, trailers };
  }

  #writeBytes(exchange: Exchange, body: Extract<ResponseBody, { kind: 'bytes' }>, plan: Plan): void {
    const socket = this.#socket;
    exchange.bodyBytes = plan.length;
    const bytes = body.bytes.length > plan.length ? body.bytes.slice(0, plan.length) : body.bytes;
    if (typeof bytes === 'string') {
      // Head and body in one string and one write, instead of two buffers.
      socket.write(plan.text + bytes, 'latin1');
    } else {
      socket.cork();
      socket.write(plan.text, 'latin1');
      socket.write(bytes, body.taken);
      socket.uncork();
    }
    this.#owner.written(exchange, plan.keepAlive);
  }

  #writeLong(exchange: Exchange, body: Extract<ResponseBody, { kind: 'file' | 'stream' }>, plan: Plan): void {
    const socket = this.#socket;
    const { framing, length, trailers } = plan;
    const options = {
      socket,
      framing,
      length,
      ...(framing === 'chunked' && {
        ending: () => (trailers === undefined ? LAST_CHUNK : serializeLastChunk(readTrailers(trailers))),
      }),
      done: (complete: boolean, bodyBytes: number, error?: Error): void => {
        this.#stream = null;
        exchange.bodyBytes = bodyBytes;
        if (complete) return this.#owner.written(exchange, plan.keepAlive);
        if (error !== undefined && !socket.destroyed) this.#owner.failed(exchange, error);
        this.#truncate(framing);
      },
      failedLate: (error: Error): void => this.#owner.failed(exchange, error),
    };
    // Head and first bytes leave together.
    socket.cork();
    socket.write(plan.text, 'latin1');
    if (body.kind === 'file') {
      socket.uncork();
      void writeFile(body.file, options);
      return;
    }
    const stream = new StreamWriter(body.source, options);
    this.#stream = stream;
    try {
      stream.start();
    } catch (error) {
      stream.error(error as Error);
    }
    socket.uncork();
  }

  /**
   * Ends a body that is not complete, so that the client cannot take it for complete (RFC 9112 section 8): no last chunk, fewer
   * bytes than promised, or a reset where only the end of the connection would tell (a Unix-domain socket has none: HTTP/1.0 behind
   * one cannot tell). What was written before goes out first.
   */
  #truncate(framing: Framing): void {
    const socket = this.#socket;
    // The failure may come while the head is still held back for the first bytes.
    socket.uncork();
    socket.write('', () => {
      if (framing === 'close') this.#reset();
      else socket.destroy();
    });
  }
}

const LAST_CHUNK = serializeLastChunk([]);

/** RFC 9110 section 6.5.1: whoever does not say so may drop them, or fail. */
function takesTrailers(exchange: Exchange): boolean {
  const te = combinedValue(exchange.fields, 'te');
  return te !== undefined && te.split(',').some((member) => member.trim().toLowerCase() === 'trailers');
}

/**
 * The trailers of a body, if they are sent.
 *
 * @throws LocalProtocolError `XGI_HTTP_BAD_TRAILER`, whether or not they are
 */
export function trailersOf(body: ResponseBody, areSent: boolean): Trailers | undefined {
  if (body.kind !== 'stream' || body.trailers === undefined) return undefined;
  checkTrailerNames(body.trailers.names);
  return areSent ? body.trailers : undefined;
}

/**
 * Content-Length, or the length of the body, or -1 if only its end will tell.
 *
 * @throws LocalProtocolError for a head and a body that do not fit together
 */
export function fitLength(head: ResponseHead, body: ResponseBody, noBody: boolean): number {
  if (head.status < 200) throw misfit(`the final status is ${head.status}`);
  const own = bodyLength(body);
  if (head.contentLength === -1) return own;
  if (!noBody && own !== -1 && own < head.contentLength)
    throw misfit(`Content-Length is ${head.contentLength}, the body has ${own} bytes`);
  return head.contentLength;
}

/**
 * The Content-Length that is to be added to a head, or -1. A response to HEAD may say the length that GET would have; 204 and 304 need none.
 *
 * @param length as of {@link fitLength}
 */
export function lengthToAdd(
  { status, contentLength }: ResponseHead,
  length: number,
  noBody: boolean,
): number {
  if (contentLength !== -1 || status === 204 || status === 304 || (noBody && length === 0)) return -1;
  return length;
}
