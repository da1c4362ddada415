/** The thread's side: requests that come over the port, answered by the application's handler. */
import type { MessagePort } from 'node:worker_threads';
import { iterableBody } from '../../../bodies/iterable-body.js';
import { responseChunks } from '../../../bodies/response-chunks.js';
import { type AbortListeners, tellAborted, withAbortListener } from '../../../http/abort-listeners.js';
import { checkAnswer, checkInterimHead } from '../../../http/answer-check.js';
import { firstValue } from '../../../http/field-values.js';
import type { ResponseHead } from '../../../http/response-head.js';
import type {
  BodyConsumer,
  BodySink,
  BodySource,
  FileBody,
  GatewayRequest,
  GatewayResponse,
  Handler,
  InputEndListener,
  RequestBody,
} from '../../../types.js';
import { badResponse } from '../application-head.js';
import {
  bufferOf,
  type FromThread,
  type Outbox,
  packError,
  type RequestData,
  type ToThread,
  unpackError,
} from './messages.js';

type Out = Outbox<FromThread>;

/** Serves what comes. @param onStop called when nothing more will; lets go of what the application holds */
export function serveThread(
  port: MessagePort,
  handler: Handler,
  out: Out,
  onStop: () => Promise<void>,
): void {
  const served = new Map<number, Served>();
  const take = (message: ToThread): void => {
    if (message.type === 'request') {
      const { id, request } = message;
      const one = new Served(id, request, out, () => served.delete(id));
      served.set(id, one);
      one.run(handler);
    } else if (message.type === 'stop') {
      void onStop().finally(() => port.close());
    } else {
      served.get(message.id)?.take(message);
      if (message.type === 'abort') out.send({ type: 'aborted', id: message.id });
    }
  };
  port.on('message', (messages: readonly ToThread[]) => messages.forEach(take));
}

/** A request as the application sees it, and the answer's way back. */
class Served implements BodySink {
  readonly #id: number;
  readonly #out: Out;
  readonly #over: () => void;
  readonly #request: ThreadRequest;
  #source: BodySource | undefined;

  constructor(id: number, data: RequestData, out: Out, over: () => void) {
    this.#id = id;
    this.#out = out;
    this.#over = over;
    this.#request = new ThreadRequest(id, data, out);
  }

  run(handler: Handler): void {
    try {
      const answer = handler(this.#request);
      if (!(answer instanceof Promise)) this.#answer(answer);
      else answer.then((response) => this.#answer(response)).catch((error: unknown) => this.error(error));
    } catch (error) {
      this.error(error);
    }
  }

  take(message: Exclude<ToThread, { readonly type: 'request' | 'stop' }>): void {
    const { body } = this.#request;
    switch (message.type) {
      case 'data':
        body?.receive(bufferOf(message.bytes));
        return;
      case 'end':
        body?.finish();
        return;
      case 'body-error':
        body?.fail(unpackError(message.error));
        return;
      case 'input-end':
        this.#request.inputEnded();
        return;
      case 'taken':
        this.#source?.taken(message.bytes);
        return;
      case 'abort':
        this.#source?.cancel();
        this.#request.abort();
        this.#over();
    }
  }

  // --- the body of the answer ---

  data(chunk: Buffer): void {
    this.#out.sendBytes(chunk, (bytes) => ({ type: 'data', id: this.#id, bytes }));
  }

  /** What was sent is still to be taken, which is the source's to know; later there is nobody to tell it. */
  end(): void {
    this.#out.send({ type: 'end', id: this.#id });
    this.#over();
  }

  error(error: unknown): void {
    this.#out.send({ type: 'error', id: this.#id, error: packError(error) });
    this.#over();
  }

  /** @throws LocalProtocolError for what is no answer */
  #answer(answer: GatewayResponse): void {
    checkAnswer(answer);
    const { head, body } = answer;
    const id = this.#id;
    const { status, reason, fields } = head;
    const response = { type: 'response', id, status, reason, fields } as const;
    if (this.#request.isAborted) {
      if (body.kind === 'stream') body.source.cancel();
      else if (body.kind === 'file') void body.file.handle.close().catch(() => {});
      return;
    }
    switch (body.kind) {
      case 'empty':
        this.#out.send({ ...response, body: null });
        this.#over();
        return;
      case 'bytes':
        if (typeof body.bytes === 'string') this.#out.send({ ...response, body: body.bytes });
        else this.#out.sendBytes(body.bytes, (bytes) => ({ ...response, body: bytes }));
        body.taken?.();
        this.#over();
        return;
      case 'file':
      case 'stream':
        this.#out.send({ ...response, body: undefined });
        this.#source = body.kind === 'stream' ? body.source : fileSource(body.file);
        this.#source.start(this);
        return;
      case 'tunnel':
        this.error(badResponse('a tunnel cannot leave a thread; serve this application without workers'));
    }
  }
}

/** Each part a copy, as their memory is used again. */
function fileSource(file: FileBody): BodySource {
  const copies = (async function* () {
    for await (const chunk of responseChunks({ kind: 'file', file })) yield Buffer.from(chunk);
  })();
  const body = iterableBody(copies);
  if (body.kind !== 'stream') throw new TypeError('an iterable body is a stream');
  return body.source;
}

class ThreadRequest implements GatewayRequest {
  readonly method: string;
  readonly target: string;
  readonly mount: string;
  readonly path: string;
  readonly query: string;
  readonly httpVersion: GatewayRequest['httpVersion'];
  readonly scheme: GatewayRequest['scheme'];
  readonly authority: string;
  readonly fields: GatewayRequest['fields'];
  readonly body: ThreadBody | null;
  readonly peer: GatewayRequest['peer'];
  readonly clientAddress: string;
  readonly clientPort: number;
  readonly identity: GatewayRequest['identity'];
  readonly isPersonal: boolean;
  readonly variables: GatewayRequest['variables'];
  readonly id: string;
  readonly arrivedAtMs: number;
  isAborted = false;
  readonly #number: number;
  readonly #out: Out;
  #abortListeners: AbortListeners;
  #inputEndListener: InputEndListener | undefined;

  constructor(number: number, data: RequestData, out: Out) {
    this.#number = number;
    this.#out = out;
    this.method = data.method;
    this.target = data.target;
    this.mount = data.mount;
    this.path = data.path;
    this.query = data.query;
    this.httpVersion = data.httpVersion;
    this.scheme = data.scheme;
    this.authority = data.authority;
    this.fields = data.fields;
    this.peer = data.peer;
    this.clientAddress = data.clientAddress;
    this.clientPort = data.clientPort;
    this.identity = data.identity;
    this.isPersonal = data.isPersonal;
    this.variables = data.variables;
    this.id = data.id;
    this.arrivedAtMs = performance.now() - data.ageMs;
    this.body = data.bodyLength === null ? null : new ThreadBody(number, data.bodyLength, out);
  }

  field(lowerCaseName: string): string | undefined {
    return firstValue(this.fields, lowerCaseName);
  }

  onAbort(listener: () => void): void {
    if (this.isAborted) listener();
    else this.#abortListeners = withAbortListener(this.#abortListeners, listener);
  }

  onInputEnd(listener: InputEndListener): void {
    this.#inputEndListener = listener;
  }

  inform(head: ResponseHead): void {
    checkInterimHead(head);
    const { status, fields } = head;
    this.#out.send({ type: 'inform', id: this.#number, status, fields });
  }

  abort(): void {
    this.isAborted = true;
    const listeners = this.#abortListeners;
    this.#abortListeners = undefined;
    tellAborted(listeners);
  }

  inputEnded(): void {
    this.#inputEndListener?.inputEnded();
  }
}

/** What has come while the application pauses waits here; the gateway bounds it. */
class ThreadBody implements RequestBody {
  readonly length: number;
  readonly #id: number;
  readonly #out: Out;
  readonly #waiting: Buffer[] = [];
  #consumer: BodyConsumer | undefined;
  #isPaused = false;
  #end: (() => void) | undefined;

  constructor(id: number, length: number, out: Out) {
    this.#id = id;
    this.length = length;
    this.#out = out;
  }

  consume(consumer: BodyConsumer): void {
    this.#consumer = consumer;
    this.#out.send({ type: 'consume', id: this.#id });
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#deliver();
  }

  receive(chunk: Buffer): void {
    this.#waiting.push(chunk);
    this.#deliver();
  }

  finish(): void {
    this.#end = () => this.#consumer?.end();
    this.#deliver();
  }

  fail(error: Error): void {
    this.#end = () => this.#consumer?.error(error);
    this.#deliver();
  }

  #deliver(): void {
    while (!this.#isPaused && this.#waiting.length > 0) {
      const chunk = this.#waiting.shift()!;
      this.#out.send({ type: 'consumed', id: this.#id, bytes: chunk.length });
      this.#consumer?.data(chunk);
    }
    if (this.#isPaused || this.#waiting.length > 0) return;
    const end = this.#end;
    this.#end = undefined;
    end?.();
  }
}
