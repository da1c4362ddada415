/** WSGI in TypeScript: PEP 3333, with its words in camel case, and promises where Python blocks. Types only. */
import type { GatewayRequest } from '../../types.js';

/** What a server calls. A generator of two parameters is one; so is an async function that returns an iterable. */
export type WsgiApplication = (
  environ: Environ,
  startResponse: StartResponse,
) => WsgiBody | Promise<WsgiBody>;

/**
 * The request: variables with the names and values of PEP 3333. Strings are byte text (one character for each byte), as in Python. It is a
 * plain object, and the application's to change.
 */
export interface Environ {
  [name: string]: unknown;
  REQUEST_METHOD: string;
  SCRIPT_NAME: string;
  PATH_INFO: string;
  QUERY_STRING: string;
  SERVER_NAME: string;
  SERVER_PORT: string;
  SERVER_PROTOCOL: string;
  CONTENT_TYPE?: string;
  /** Not there for a body of unknown length: read to the end (`wsgi.input_terminated`). */
  CONTENT_LENGTH?: string;
  /** `[1, 0]` */
  'wsgi.version': readonly [number, number];
  'wsgi.url_scheme': string;
  'wsgi.input': WsgiInput;
  'wsgi.errors': WsgiErrors;
  /** Always false: one thread runs it. Requests are interleaved where it awaits something. */
  'wsgi.multithread': boolean;
  'wsgi.multiprocess': boolean;
  'wsgi.run_once': boolean;
  /** What the environ was made of. */
  'xgi.request'?: GatewayRequest;
}

/**
 * Begins the response. What is called a second time, with an error, replaces the head; if that has left already, the error is thrown.
 *
 * @param status `200 OK`
 * @param headers name and value of each
 * @param excInfo the error that is being handled; Python's three values are one here
 */
export type StartResponse = (
  status: string,
  headers: readonly (readonly [string, string])[],
  excInfo?: Error | null,
) => Write;

/** Sends a piece of the body before what the application returns. Resolves when the client may be sent more; rejects with `XGI_WSGI_WRITE` when nobody wants it: the client has gone, or the answer is over. */
export type Write = (data: Uint8Array) => Promise<void>;

/** What the application returns. `close` is called once, at the end of the request, however it ends. */
export type WsgiBody = (Iterable<Uint8Array> | AsyncIterable<Uint8Array>) & {
  close?(): void | Promise<void>;
};

/** The body of the request. Iterated, it gives lines, as Python's. All of it is read once. */
export interface WsgiInput extends AsyncIterable<Uint8Array> {
  /** So many bytes; fewer only at the end. All that is left, without a size. */
  read(size?: number): Promise<Uint8Array>;
  /** With its line feed, which only the last may lack; at the end, nothing. */
  readline(size?: number): Promise<Uint8Array>;
  /** @param hint no further lines when these have so many bytes together */
  readlines(hint?: number): Promise<Uint8Array[]>;
}

/** Text for the log. */
export interface WsgiErrors {
  write(text: string): void;
  flush(): void;
  writelines(lines: Iterable<string>): void;
}
