/** The gateway's side of one request that a thread runs. */
import { ResponseHead } from '../../../http/response-head.js';
import type {
  BodyConsumer,
  BodySink,
  BodySource,
  GatewayRequest,
  GatewayResponse,
  InputEndListener,
} from '../../../types.js';
import { clientGone } from '../../client-gone.js';
import { applicationHead } from '../application-head.js';
import {
  bufferOf,
  type FromThread,
  type Outbox,
  packError,
  type RequestData,
  type ResponseMessage,
  type ToThread,
  unpackError,
} from './messages.js';

export interface ThreadJobOptions {
  /** Of the requests of its thread. */
  readonly id: number;
  readonly request: GatewayRequest;
  readonly out: Outbox<ToThread>;
  /** It is done with the thread: answered, failed, or not wanted any more. */
  readonly over: () => void;
  readonly resolve: (response: GatewayResponse) => void;
  readonly reject: (error: Error) => void;
}

/** What of a request body may be on its way into a thread. */
const MAX_UNTAKEN_BYTES = 262_144;

export class ThreadJob implements BodySource, BodyConsumer, InputEndListener {
  readonly id: number;
  readonly request: GatewayRequest;
  readonly beganAtMs: number = performance.now();
  /** The last sign of a body that goes in, or `beganAtMs`. */
  progressAtMs: number = this.beganAtMs;
  readonly #options: ThreadJobOptions;
  #state: 'waiting' | 'streaming' | 'over' = 'waiting';
  #untaken = 0;
  #sink: BodySink | undefined;
  readonly #early: Buffer[] = [];
  #endEarly: ((sink: BodySink) => void) | undefined;

  constructor(options: ThreadJobOptions) {
    this.#options = options;
    this.id = options.id;
    this.request = options.request;
  }

  /** Its head has not come yet. */
  get isWaiting(): boolean {
    return this.#state === 'waiting';
  }

  get isOver(): boolean {
    return this.#state === 'over';
  }

  /** Hands it to the thread. */
  submit(): void {
    const { id, request, out } = this.#options;
    out.send({ type: 'request', id, request: describeRequest(request) });
    request.onAbort(() => this.cancel());
    request.onInputEnd(this);
  }

  /** What the thread says about it. */
  take(message: Extract<FromThread, { readonly id: number }>): void {
    if (this.isOver) return;
    const { request } = this.#options;
    switch (message.type) {
      case 'consume':
        request.body?.consume(this);
        return;
      case 'consumed':
        this.#consumed(message.bytes);
        return;
      case 'inform':
        if (this.isWaiting) request.inform(new ResponseHead(message.status, message.fields));
        return;
      case 'response':
        this.#answer(message);
        return;
      case 'data':
        if (this.#sink === undefined) this.#early.push(bufferOf(message.bytes));
        else this.#sink.data(bufferOf(message.bytes));
        return;
      case 'end':
        this.#endBody((sink) => sink.end());
        return;
      case 'error':
        this.fail(unpackError(message.error));
        return;
      case 'aborted':
    }
  }

  /** No answer, or no end of it. */
  fail(error: Error): void {
    if (this.isOver) return;
    if (this.#state === 'streaming') this.#endBody((sink) => sink.error(error));
    else {
      this.#over();
      this.#options.reject(error);
    }
  }

  #answer({ status, reason, fields, body }: ResponseMessage): void {
    const { resolve } = this.#options;
    try {
      const head = applicationHead(status, reason, fields);
      if (body === undefined) {
        this.#state = 'streaming';
        resolve({ head, body: { kind: 'stream', source: this } });
        return;
      }
      this.#over();
      if (body === null) resolve({ head, body: { kind: 'empty' } });
      else
        resolve({ head, body: { kind: 'bytes', bytes: typeof body === 'string' ? body : bufferOf(body) } });
    } catch (error) {
      this.fail(error as Error);
    }
  }

  #endBody(end: (sink: BodySink) => void): void {
    this.#over();
    if (this.#sink === undefined) this.#endEarly = end;
    else end(this.#sink);
  }

  #over(): void {
    this.#state = 'over';
    this.#options.over();
  }

  // --- from the server ---

  start(sink: BodySink): void {
    this.#sink = sink;
    for (const chunk of this.#early.splice(0)) sink.data(chunk);
    this.#endEarly?.(sink);
  }

  taken(bytes: number): void {
    if (!this.isOver) this.#options.out.send({ type: 'taken', id: this.id, bytes });
  }

  cancel(): void {
    if (this.isOver) return;
    this.#options.out.send({ type: 'abort', id: this.id });
    this.#over();
    // Nothing happens here if it has been answered.
    this.#options.reject(clientGone());
  }

  inputEnded(): void {
    if (this.isWaiting) this.#options.out.send({ type: 'input-end', id: this.id });
  }

  // --- the body of the request ---

  data(chunk: Buffer): void {
    if (this.isOver) return;
    this.#untaken += chunk.length;
    this.progressAtMs = performance.now();
    this.#options.out.sendBytes(chunk, (bytes) => ({ type: 'data', id: this.id, bytes }));
    if (this.#untaken >= MAX_UNTAKEN_BYTES) this.request.body?.pause();
  }

  end(): void {
    if (!this.isOver) this.#options.out.send({ type: 'end', id: this.id });
  }

  error(error: Error): void {
    if (!this.isOver) this.#options.out.send({ type: 'body-error', id: this.id, error: packError(error) });
  }

  #consumed(bytes: number): void {
    const wasFull = this.#untaken >= MAX_UNTAKEN_BYTES;
    this.#untaken -= bytes;
    if (wasFull && this.#untaken < MAX_UNTAKEN_BYTES) this.request.body?.resume();
  }
}

function describeRequest(request: GatewayRequest): RequestData {
  const { isUnix, remoteAddress, remotePort, localAddress, localPort, tls } = request.peer;
  const certificate = tls?.clientCertificate;
  return {
    method: request.method,
    target: request.target,
    mount: request.mount,
    path: request.path,
    query: request.query,
    httpVersion: request.httpVersion,
    scheme: request.scheme,
    authority: request.authority,
    fields: request.fields,
    clientAddress: request.clientAddress,
    clientPort: request.clientPort,
    identity: request.identity && { scheme: request.identity.scheme, user: request.identity.user },
    isPersonal: request.isPersonal,
    variables: request.variables,
    id: request.id,
    peer: {
      isUnix,
      remoteAddress,
      remotePort,
      localAddress,
      localPort,
      tls: tls && { clientCertificate: certificate && { ...certificate } },
    },
    bodyLength: request.body === null ? null : request.body.length,
    ageMs: performance.now() - request.arrivedAtMs,
  };
}
