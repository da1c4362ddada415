/** The gateway's side of one request that a thread runs. */
import { ResponseHead } from '../../../http/response-head.js';
import { whoCloses } from '../../../http/who-closes.js';
import type {
  BodySink,
  BodySource,
  Fields,
  GatewayRequest,
  GatewayResponse,
  InputEndListener,
} from '../../../types.js';
import { clientGone } from '../../client-gone.js';
import { applicationHead } from '../application-head.js';
import {
  bufferOf,
  type FromThread,
  type RequestData,
  type ResponseMessage,
  type ToThread,
  type TrailerData,
  unpackError,
} from './messages.js';
import type { Outbox } from './outbox.js';
import { Upload } from './upload.js';

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

export class ThreadJob implements BodySource, InputEndListener {
  readonly id: number;
  readonly request: GatewayRequest;
  readonly beganAtMs: number = performance.now();
  readonly #options: ThreadJobOptions;
  #state: 'waiting' | 'streaming' | 'over' = 'waiting';
  #upload: Upload | undefined;
  #whoCloses: InputEndListener | undefined;
  #sink: BodySink | undefined;
  #trailers: TrailerData | undefined;
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

  /** For how long the thread has had something to do for it, without an answer. To wait for the client is nothing: its deadlines are the server's. */
  waitedMs(nowMs: number): number {
    if (!this.isWaiting || this.#upload?.isClientsTurn === true) return 0;
    return nowMs - (this.#upload?.progressAtMs ?? this.beganAtMs);
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
    try {
      this.#take(message);
    } catch (error) {
      this.#giveUp(error as Error);
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

  #take(message: Extract<FromThread, { readonly id: number }>): void {
    const { request } = this.#options;
    switch (message.type) {
      case 'consume':
        this.#consume();
        return;
      case 'consumed':
        this.#upload?.consumed(message.bytes);
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
        this.#trailers = message.trailers;
        this.#endBody((sink) => sink.end());
        return;
      case 'error':
        this.#giveUp(unpackError(message.error));
        return;
      case 'aborted':
    }
  }

  /** The thread may not know: of a message that could not leave it, for example. */
  #giveUp(error: Error): void {
    this.#options.out.send({ type: 'abort', id: this.id });
    this.fail(error);
  }

  #consume(): void {
    const { body } = this.request;
    if (body === null) return;
    this.#upload ??= new Upload(this.id, body, this.#options.out);
    body.consume(this.#upload);
  }

  #answer({ status, reason, fields, body, trailers: names }: ResponseMessage): void {
    const { resolve } = this.#options;
    try {
      const head = applicationHead(status, reason, fields);
      if (body === undefined) {
        this.#state = 'streaming';
        const trailers = names && { names, fields: () => readTrailerData(this.#trailers) };
        resolve({ head, body: { kind: 'stream', source: this, trailers } });
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
    this.#upload?.stop();
    this.#options.over();
  }

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
    if (this.isWaiting) {
      this.#options.out.send({ type: 'input-end', id: this.id });
      return;
    }
    // Whoever works on the answer may want to know.
    this.#whoCloses ??= whoCloses(this.request);
    this.#whoCloses.inputEnded();
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

function readTrailerData(data: TrailerData | undefined): Fields {
  if (data === undefined) return [];
  if ('error' in data) throw unpackError(data.error);
  return data.fields;
}
