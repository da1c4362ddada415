/**
 * What the gateway and the threads of a TypeScript application tell each other, over one MessagePort each.
 *
 * Bytes are copied once and then belong to the other side. A request body moves under credit: the gateway stops reading from the client while
 * the application has not taken what it was sent. A response body does so by `taken`, as every {@link BodySource}.
 */
import {
  asXgiError,
  type ErrorCode,
  GatewayError,
  LocalProtocolError,
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
  | { readonly type: 'end'; readonly id: number; readonly trailers: TrailerData | undefined }
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
  /** Names of fields that may follow the body; undefined for none. */
  readonly trailers: readonly string[] | undefined;
}

/** The fields behind a body; or why there are none, which matters only if they are sent. */
export type TrailerData = { readonly fields: Fields } | { readonly error: ErrorData };

/** An error on its way to another thread. */
export interface ErrorData {
  readonly kind: 'gateway' | 'remote' | 'local' | 'xgi';
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
  const fields = error instanceof GatewayError ? error.fields : [];
  return { kind: kindOf(error), status: statusOfError(error), code, message, detail, fields };
}

function kindOf(error: XgiError): ErrorData['kind'] {
  if (error instanceof GatewayError) return 'gateway';
  if (error instanceof RemoteProtocolError) return 'remote';
  return error instanceof LocalProtocolError ? 'local' : 'xgi';
}

/** The same for those who answer and log it. */
export function unpackError({ kind, status, code, message, detail, fields }: ErrorData): XgiError {
  const options = detail === undefined ? {} : { detail };
  switch (kind) {
    case 'gateway':
      return new GatewayError(status, code, message, { ...options, fields });
    case 'remote':
      return new RemoteProtocolError(status, code, message);
    case 'local':
      return new LocalProtocolError(code, message, options);
    case 'xgi':
      return new XgiError(code, message, options);
  }
}

/** The bytes that came with a message. */
export function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
