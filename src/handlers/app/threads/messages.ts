/**
 * What the gateway and the threads of a TypeScript application tell each other, over one MessagePort each.
 *
 * Bytes are copied once and then belong to the other side. A request body moves under credit: the gateway stops reading from the client while
 * the application has not taken what it was sent. A response body does so by `taken`, as every {@link BodySource}.
 *
 * All messages of one turn of the event loop leave together.
 */
import type { MessagePort, Transferable } from 'node:worker_threads';
import { GatewayError, RemoteProtocolError, textOf, XgiError, type ErrorCode } from '../../../errors.js';
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
  readonly kind: 'gateway' | 'remote' | 'xgi' | 'other';
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly stack: string;
  readonly detail: string | undefined;
  /** Of the answer, of a GatewayError. */
  readonly fields: Fields;
}

export function packError(thrown: unknown): ErrorData {
  const error = thrown instanceof Error ? thrown : new Error(textOf(thrown));
  const { message, stack = '' } = error;
  const common = { message, stack, status: 500, code: '', detail: undefined, fields: [] };
  if (error instanceof GatewayError || error instanceof RemoteProtocolError) {
    const kind = error instanceof GatewayError ? 'gateway' : 'remote';
    const fields = error instanceof GatewayError ? error.fields : [];
    return { ...common, kind, status: error.status, code: error.code, detail: error.detail, fields };
  }
  if (error instanceof XgiError) return { ...common, kind: 'xgi', code: error.code, detail: error.detail };
  return { ...common, kind: 'other' };
}

/** The same for those who answer and log it: an error of the application has its stack. */
export function unpackError({ kind, status, code, message, stack, detail, fields }: ErrorData): Error {
  const options = detail === undefined ? {} : { detail };
  switch (kind) {
    case 'gateway':
      return new GatewayError(status, code as ErrorCode, message, { ...options, fields });
    case 'remote':
      return new RemoteProtocolError(status, code as ErrorCode, message);
    case 'xgi':
      return new XgiError(code as ErrorCode, message, options);
    default: {
      const error = new Error(message);
      error.stack = stack;
      return error;
    }
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
