/** A request as the application in a thread sees it. */
import { consumedTwice } from '../../../bodies/request-bytes.js';
import { type AbortListeners, tellAborted, withAbortListener } from '../../../http/abort-listeners.js';
import { checkInterimHead } from '../../../http/answer-check.js';
import { firstValue } from '../../../http/field-values.js';
import { whoCloses } from '../../../http/who-closes.js';
import type { ResponseHead } from '../../../http/response-head.js';
import type { BodyConsumer, GatewayRequest, InputEndListener, RequestBody } from '../../../types.js';
import type { FromThread, RequestData } from './messages.js';
import type { Outbox } from './outbox.js';

type Out = Outbox<FromThread>;

export class ThreadRequest implements GatewayRequest {
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
    if (this.#abortListeners !== undefined) this.#inputEndListener ??= whoCloses(this);
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
  /** Nothing more comes. */
  #isOver = false;
  #end: (() => void) | undefined;

  constructor(id: number, length: number, out: Out) {
    this.#id = id;
    this.length = length;
    this.#out = out;
  }

  consume(consumer: BodyConsumer): void {
    if (this.#consumer !== undefined) {
      consumer.error(consumedTwice());
      return;
    }
    this.#consumer = consumer;
    if (this.#isOver) this.#deliver();
    else this.#out.send({ type: 'consume', id: this.#id });
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
    this.#endBy((consumer) => consumer.end());
  }

  /** Whoever reads it, now or later, is told. */
  fail(error: Error): void {
    this.#endBy((consumer) => consumer.error(error));
  }

  #endBy(end: (consumer: BodyConsumer) => void): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#end = () => end(this.#consumer!);
    this.#deliver();
  }

  #deliver(): void {
    if (this.#consumer === undefined) return;
    while (!this.#isPaused && this.#waiting.length > 0) {
      const chunk = this.#waiting.shift()!;
      this.#out.send({ type: 'consumed', id: this.#id, bytes: chunk.length });
      this.#consumer.data(chunk);
    }
    if (this.#isPaused || this.#waiting.length > 0) return;
    const end = this.#end;
    this.#end = undefined;
    end?.();
  }
}
