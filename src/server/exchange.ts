/** One request on a connection and the state of its response. */
import { performance } from 'node:perf_hooks';
import { randomBytes } from 'node:crypto';
import { type AbortListeners, tellAborted, withAbortListener } from '../http/abort-listeners.js';
import { assignedId } from '../http/assigned-id.js';
import { firstValue } from '../http/field-values.js';
import { readForwarding, type TrustedProxies, withoutForwarding } from '../http/forwarded.js';
import { checkInterimHead } from '../http/answer-check.js';
import { ResponseHead } from '../http/response-head.js';
import { whoCloses } from '../http/who-closes.js';
import type {
  Fields,
  GatewayRequest,
  GatewayResponse,
  Handler,
  HttpVersion,
  InputEndListener,
  Peer,
} from '../types.js';
import type { RequestHead } from './http1/request-head.js';
import type { RequestBodyStream } from './request-body.js';

const ID_PREFIX = randomBytes(5).toString('hex');
let count = 0;

/** How many requests this process has read, whatever became of them. */
export function countRequests(): number {
  return count;
}

/** One array for all. */
const NO_FIELDS: Fields = [];

export interface ExchangeOptions {
  readonly head: RequestHead;
  readonly body: RequestBodyStream | null;
  readonly peer: Peer;
  readonly trustedProxies: TrustedProxies;
  /** Sends an interim head, which was checked. */
  readonly inform: (head: ResponseHead) => void;
}

export class Exchange implements GatewayRequest {
  readonly method: string;
  readonly target: string;
  readonly mount = '';
  readonly path: string;
  readonly query: string;
  readonly httpVersion: HttpVersion;
  readonly authority: string;
  readonly fields: Fields;
  readonly scheme: 'http' | 'https';
  readonly clientAddress: string;
  readonly clientPort: number;
  readonly identity = null;
  readonly isPersonal = false;
  readonly variables = NO_FIELDS;
  readonly head: RequestHead;
  readonly body: RequestBodyStream | null;
  readonly peer: Peer;
  readonly arrivedAtMs: number = performance.now();
  /** A final head has been written, or the exchange has ended without: a later response is dropped. */
  answered = false;
  /** The whole response has been written. */
  complete = false;
  /** What went out, for the log. */
  responseHead: ResponseHead | null = null;
  bodyBytes = 0;
  readonly #inform: (head: ResponseHead) => void;
  readonly #number: number = ++count;
  #abortListeners: AbortListeners = undefined;
  #aborted = false;
  #over = false;
  #held: Held | null = null;
  #inputEndListener: InputEndListener | null = null;

  constructor(options: ExchangeOptions) {
    const { head, peer } = options;
    this.head = head;
    this.method = head.method;
    this.target = head.target;
    this.path = head.path;
    this.query = head.query;
    this.httpVersion = head.httpVersion;
    this.authority = head.authority;
    this.body = options.body;
    this.peer = peer;
    this.#inform = options.inform;
    let scheme: 'http' | 'https' = peer.tls === null ? 'http' : 'https';
    let address = peer.remoteAddress;
    let port = peer.remotePort;
    if (options.trustedProxies.trusts(address)) {
      const forwarding = readForwarding(head.fields, options.trustedProxies);
      scheme = forwarding.scheme ?? scheme;
      if (forwarding.client !== undefined) {
        address = forwarding.client;
        port = 0;
      }
      this.fields = head.fields;
    } else {
      this.fields = withoutForwarding(head.fields);
    }
    this.scheme = scheme;
    this.clientAddress = address;
    this.clientPort = port;
  }

  get id(): string {
    return assignedId(this) ?? `${ID_PREFIX}-${this.#number.toString(36)}`;
  }

  field(lowerCaseName: string): string | undefined {
    return firstValue(this.fields, lowerCaseName);
  }

  inform(head: ResponseHead): void {
    if (this.answered || this.httpVersion === '1.0') return;
    checkInterimHead(head);
    this.#inform(head);
  }

  onAbort(listener: () => void): void {
    if (this.#aborted) listener();
    else this.#abortListeners = withAbortListener(this.#abortListeners, listener);
  }

  onInputEnd(listener: InputEndListener): void {
    this.#inputEndListener = listener;
  }

  /** Tells the handler that the client will send nothing more. If it wants to know who goes, but not this, the client is asked. */
  inputEnded(): void {
    if (this.#abortListeners !== undefined) this.#inputEndListener ??= whoCloses(this);
    this.#inputEndListener?.inputEnded();
  }

  /** Something to be let go of at the end of the exchange; at once, if that has come. One; a second replaces it. */
  hold(held: Held): void {
    if (this.#over) held.release(this.#aborted);
    else this.#held = held;
  }

  /** The end: the response is complete, or the client has gone. */
  release(): void {
    this.#over = true;
    this.#held?.release(this.#aborted);
    this.#held = null;
  }

  /** Tells the handler, now or when it asks, that the client has gone. */
  abort(): void {
    if (this.#aborted) return;
    this.#aborted = true;
    const listeners = this.#abortListeners;
    this.#abortListeners = undefined;
    tellAborted(listeners);
  }
}

/** What an application has answered with, while others stand between it and the client. */
export interface Held {
  /** @param aborted the client had gone before the response was complete */
  release(aborted: boolean): void;
}

/** Who takes what a handler makes of an exchange: one of the two, once. */
export interface Responder {
  respond(exchange: Exchange, response: GatewayResponse): void;
  fail(exchange: Exchange, error: unknown): void;
}

const OPTIONS_OK: GatewayResponse = { head: new ResponseHead(200), body: { kind: 'empty' } };

/** Calls the handler. `*` asks about the server, not about anything a handler serves. */
export function callHandler(handler: Handler, exchange: Exchange, responder: Responder): void {
  let answer: GatewayResponse | Promise<GatewayResponse>;
  try {
    answer = exchange.path === '*' ? OPTIONS_OK : handler(exchange);
  } catch (error) {
    responder.fail(exchange, error);
    return;
  }
  if (answer instanceof Promise) {
    answer.then(
      (response) => responder.respond(exchange, response),
      (error: unknown) => responder.fail(exchange, error),
    );
  } else {
    responder.respond(exchange, answer);
  }
}
