/**
 * What the gateway and the threads of a TypeScript application tell each other, over one MessagePort each.
 *
 * Bytes are copied once and then belong to the other side. A request body moves under credit: the gateway stops reading from the client while
 * the application has not taken what it was sent. A response body does so by `taken`, as every {@link BodySource}.
 *
 * All messages of one turn of the event loop leave together.
 */
import type { MessagePort, Transferable } from 'node:worker_threads';
import {
  asXgiError,
  type ErrorCode,
  GatewayError,
  RemoteProtocolError,
  statusOfError,
  XgiError,
} from '../../../errors.js';
import type { Fields, GatewayRequest, Identity, Peer } from '../../../types.js';

/** A request without its body. */
export interface RequestData extends Pick<
  GatewayRequest,
  | 'method'
  | 'target'
  | 'mount'
  | 'path'
  | 'query'
  | 'httpVersion'
  | 'scheme'
  | 'authority'
  | 'fields'
  | 'clientAddress'
  | 'clientPort'
  | 'variables'
  | 'id'
> {
  readonly peer: Peer;
  readonly identity: Identity | null;
  readonly isPersonal: boolean;
  /** Content-Length, -1 for a chunked body; null for none. */
  readonly bodyLength: number | null;
  /** Since the head arrived; the clocks of threads differ. */
  readonly ageMs: number;
}

/** `id` counts the requests of a thread. */
export type ToThread =
  | { readonly type: 'request'; readonly id: number; readonly request: RequestData }
  | { readonly type: 'data'; readonly id: number; readonly bytes: Uint8Array }
  | { readonly type: 'end'; readonly id: number }
  | { readonly type: 'body-error'; readonly id: number; readonly error: ErrorData }
  | { readonly type: 'input-end'; readonly id: number }
  | { readonly type: 'taken'; readonly id: number; readonly bytes: number }
  /** Nobody waits for the answer. Answered with `aborted` by a thread whose event loop turns. */
  | { readonly type: 'abort'; readonly id: number }
  /** No request will come: let go of everything, and end. */
  | { readonly type: 'stop' };

export type FromThread =
  | { readonly type: 'ready' }
  | { readonly type: 'failed'; readonly error: ErrorData }
  | { readonly type: 'files'; readonly paths: readonly string[] }
  | { readonly type: 'print'; readonly line: string }
  | { readonly type: 'consume'; readonly id: number }
  /** So many bytes of the request body have been taken. */
  | { readonly type: 'consumed'; readonly id: number; readonly bytes: number }
  | { readonly type: 'inform'; readonly id: number; readonly status: number; readonly fields: Fields }
  | ResponseMessage
  | { readonly type: 'data'; readonly id: number; readonly bytes: Uint8Array }
  | { readonly type: 'end'; readonly id: number }
  /** No answer; or, after its head, no end of it. */
  | { readonly type: 'error'; readonly id: number; readonly error: ErrorData }
  | { readonly type: 'aborted'; readonly id: number };

export interface ResponseMessage {
  readonly type: 'response';
  readonly id: number;
  readonly status: number;
  readonly reason: string;
  readonly fields: Fields;
  /** All of it; null for none; undefined if it follows piece by piece. */
  readonly body: string | Uint8Array | null | undefined;
}

/** An error on its way to another thread. */
export interface ErrorData {
  readonly kind: 'gateway' | 'remote' | 'xgi';
  readonly status: number;
  readonly code: ErrorCode;
  readonly message: string;
  readonly detail: string | undefined;
  /** Of the answer, of a GatewayError. */
  readonly fields: Fields;
}

export function packError(thrown: unknown): ErrorData {
  const error = asXgiError(thrown);
  const { code, message, detail } = error;
  const kind =
    error instanceof GatewayError ? 'gateway' : error instanceof RemoteProtocolError ? 'remote' : 'xgi';
  const fields = error instanceof GatewayError ? error.fields : [];
  return { kind, status: statusOfError(error), code, message, detail, fields };
}

/** The same for those who answer and log it. */
export function unpackError({ kind, status, code, message, detail, fields }: ErrorData): XgiError {
  const options = detail === undefined ? {} : { detail };
  switch (kind) {
    case 'gateway':
      return new GatewayError(status, code, message, { ...options, fields });
    case 'remote':
      return new RemoteProtocolError(status, code, message);
    case 'xgi':
      return new XgiError(code, message, options);
  }
}

/** Collects messages, and sends those of one turn of the event loop together. */
export class Outbox<Message> {
  readonly #port: Pick<MessagePort, 'postMessage'>;
  #messages: Message[] = [];
  #bytes: Transferable[] = [];

  constructor(port: Pick<MessagePort, 'postMessage'>) {
    this.#port = port;
  }

  send(message: Message): void {
    this.#messages.push(message);
    if (this.#messages.length === 1) setImmediate(() => this.flush());
  }

  /** @param make gets bytes that go with the message. @param chunk is copied */
  sendBytes(chunk: Uint8Array, make: (bytes: Uint8Array) => Message): void {
    const bytes = new Uint8Array(chunk);
    this.#bytes.push(bytes.buffer as ArrayBuffer);
    this.send(make(bytes));
  }

  flush(): void {
    if (this.#messages.length === 0) return;
    const messages = this.#messages;
    const bytes = this.#bytes;
    this.#messages = [];
    this.#bytes = [];
    this.#port.postMessage(messages, bytes);
  }
}

/** The bytes that came with a message. */
export function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
