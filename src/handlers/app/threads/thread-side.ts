/** The thread's side: requests that come over the port, answered by the application's handler. */
import type { MessagePort } from 'node:worker_threads';
import { disposeBody } from '../../../bodies/dispose-body.js';
import { iterableBody } from '../../../bodies/iterable-body.js';
import { ownResponseChunks } from '../../../bodies/response-chunks.js';
import { BootError, RemoteProtocolError } from '../../../errors.js';
import { checkAnswer } from '../../../http/answer-check.js';
import type { BodySink, BodySource, GatewayResponse, Handler, Trailers } from '../../../types.js';
import { badResponse } from '../application-head.js';
import {
  bufferOf,
  type FromThread,
  packError,
  type RequestData,
  type ToThread,
  type TrailerData,
  unpackError,
} from './messages.js';
import { Outbox } from './outbox.js';
import { ThreadRequest } from './thread-request.js';

type Out = Outbox<FromThread>;

/** What goes to the gateway. A message that cannot leave fails its request. */
export function createOutbox(port: MessagePort): Out {
  return new Outbox<FromThread>(port, (message, why) => {
    if ('id' in message) return { type: 'error', id: message.id, error: packError(badResponse(why)) };
    if (message.type !== 'failed') return undefined;
    return { type: 'failed', error: packError(new BootError('XGI_APP_LOAD', why)) };
  });
}

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

/** A request, and the way of its answer to the gateway. */
class Served implements BodySink {
  readonly #id: number;
  readonly #out: Out;
  readonly #over: () => void;
  readonly #request: ThreadRequest;
  #source: BodySource | undefined;
  #trailers: Trailers | undefined;

  constructor(id: number, data: RequestData, out: Out, over: () => void) {
    this.#id = id;
    this.#out = out;
    this.#over = () => {
      over();
      this.#request.body?.fail(
        new RemoteProtocolError(400, 'XGI_HTTP_BODY_UNREAD', 'the response is complete'),
      );
    };
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
        // The gateway has nothing more to say about it.
        body?.fail(
          new RemoteProtocolError(400, 'XGI_HTTP_CLIENT_GONE', 'nobody waits for the answer any more'),
        );
        this.#source?.cancel();
        this.#request.abort();
        this.#over();
    }
  }

  data(chunk: Buffer): void {
    this.#out.sendBytes(chunk, (bytes) => ({ type: 'data', id: this.#id, bytes }));
  }

  /** What was sent is still to be taken, which is the source's to know; later there is nobody to tell it. */
  end(): void {
    this.#out.send({ type: 'end', id: this.#id, trailers: packTrailers(this.#trailers) });
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
    if (this.#request.isAborted) {
      disposeBody(body);
      return;
    }
    if (body.kind === 'stream') this.#trailers = body.trailers;
    const trailers = this.#trailers?.names;
    const response = { type: 'response', id, status, reason, fields, trailers } as const;
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
        this.#source = body.kind === 'stream' ? body.source : iterableBody(ownResponseChunks(body)).source;
        this.#source.start(this);
        return;
      case 'tunnel':
        this.error(badResponse('a tunnel cannot leave a thread; serve this application without workers'));
    }
  }
}

function packTrailers(trailers: Trailers | undefined): TrailerData | undefined {
  if (trailers === undefined) return undefined;
  try {
    return { fields: trailers.fields() };
  } catch (error) {
    return { error: packError(error) };
  }
}
