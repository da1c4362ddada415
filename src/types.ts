/**
 * The contracts between server, middleware, handlers and transports. Types only.
 *
 * A handler takes a request and returns a response, or a promise of one. Middleware takes a handler and
 * returns a handler (PEP 3333, "Middleware: Components that Play Both Sides"). The server serves a handler
 * and knows nothing of what is behind it.
 */
import type { ResponseHead } from './http/response-head.js';

/** Header fields as received or as to be sent: name, value, name, value …; values are latin-1, one character per byte. */
export type Fields = readonly string[];

/** The two ends of a connection. For a Unix-domain socket the addresses are '' and the ports 0. */
export interface Peer {
  /** Over a Unix-domain socket. */
  readonly isUnix: boolean;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localAddress: string;
  readonly localPort: number;
  /** The TLS session; null if what is sent can be read by others on its way. */
  readonly tls: TlsSession | null;
}

/** What a handshake has agreed on. */
export interface TlsSession {
  /** The client's certificate; undefined if clients are not asked for one. */
  readonly clientCertificate: ClientCertificate | undefined;
}

/** A certificate of a client, verified against `--ca-certs`; or that it has none. */
export type ClientCertificate =
  | { readonly verify: 'NONE' }
  /** `subject` is its distinguished name (RFC 4514): `CN=Ada,O=Example`; byte text. */
  | { readonly verify: 'SUCCESS'; readonly subject: string };

/** Of the request; of HTTP/2 in the form that the others have. */
export type HttpVersion = '1.0' | '1.1' | '2.0';

/** A request, complete in its head; the body comes through {@link RequestBody}. */
export interface GatewayRequest {
  /** A token, in the case the client sent. */
  readonly method: string;
  /** The request target as received (RFC 9112 section 3.2). */
  readonly target: string;
  /** The front of the target's path that a route has taken (SCRIPT_NAME), still percent-encoded; '' for none. */
  readonly mount: string;
  /** The target's path behind the mount, still percent-encoded; begins with `/`, or is `*`; '' if the route has taken all of it. */
  readonly path: string;
  /** The target's query without the `?`, '' if there is none. */
  readonly query: string;
  readonly httpVersion: HttpVersion;
  /** As the client sees it: a trusted proxy may say `https`. */
  readonly scheme: 'http' | 'https';
  /** host[:port] of the target or of Host; '' only for HTTP/1.0 without Host. */
  readonly authority: string;
  readonly fields: Fields;
  /** null if the request has no body; a body of length 0 is null too. */
  readonly body: RequestBody | null;
  /** The socket's ends. */
  readonly peer: Peer;
  /** The client's address: the peer's, or what a trusted proxy says. */
  readonly clientAddress: string;
  readonly clientPort: number;
  /** Who the client is; null unless a middleware of ours has authenticated it. Nothing that a client sends sets it. */
  readonly identity: Identity | null;
  /**
   * Whether a middleware has let it in, or changed it, for who its client is, without an identity: for an API key, a ticket, a tenant. As with an
   * identity, its answer is for others only if it says so (RFC 9111 section 3.5).
   */
  readonly isPersonal: boolean;
  /**
   * What middleware tells the application about this request: name, value, name, value …, byte text. They become variables of its environ,
   * under what xgi computes itself: none of them can stand for SCRIPT_NAME or REMOTE_ADDR.
   */
  readonly variables: Fields;
  /** Unique among all requests of this gateway, unless `requestId` takes one that a proxy, or a client, has sent; made when first read. */
  readonly id: string;
  /** `performance.now()` of the arrival of the head. */
  readonly arrivedAtMs: number;
  /** The value of the first field of that lower-case name. */
  field(lowerCaseName: string): string | undefined;
  /**
   * Calls the listener once if the client goes away before the response is complete; at once if it has gone already. Any number of listeners, told
   * in the order in which they asked. Over HTTP/1.1 a client that ends its input is asked, by a `100 Continue`, whether it has gone, unless there is
   * a listener of {@link onInputEnd}, which sees to that.
   */
  onAbort(listener: () => void): void;
  /**
   * Tells the listener if the client ends its input and waits: it may have half-closed and still read, or it may have gone, which only
   * sending something to it brings to light (by `onAbort`). Told from then on, many times a second, until the answer is complete. One
   * listener; a second replaces it.
   */
  onInputEnd(listener: InputEndListener): void;
  /** Sends an interim response (1xx but 101; RFC 9110 section 15.2) at once. Nothing is sent to HTTP/1.0 clients. */
  inform(head: ResponseHead): void;
}

/** REMOTE_USER and AUTH_TYPE of the CGI family (RFC 3875 sections 4.1.1 and 4.1.11). */
export interface Identity {
  /** How it was authenticated: `Basic`. */
  readonly scheme: string;
  readonly user: string;
}

/** An object, where a function would do, because a handler makes one for each request anyway. */
export interface InputEndListener {
  inputEnded(): void;
}

/** Takes a body as it comes. A chunk is the consumer's only during the call: copy what is kept. */
export interface BodyConsumer {
  data(chunk: Buffer): void;
  /** The whole body has been given. */
  end(): void;
  /** The body will not be complete: the client went away, was too slow, or broke the framing. Nothing follows. */
  error(error: Error): void;
}

/** A request body. Nothing is read from the client, and no `100 Continue` is sent, until it is consumed. */
export interface RequestBody {
  /** Content-Length, or -1 for a chunked body. */
  readonly length: number;
  /** Starts the flow. Call it once. */
  consume(consumer: BodyConsumer): void;
  /** Stops reading from the client; chunks already at hand may still come. */
  pause(): void;
  resume(): void;
}

/** Takes a response body as it comes. */
export interface BodySink {
  /** Hands over a chunk; it is the sink's until {@link BodySource.taken}. */
  data(chunk: Buffer): void;
  end(): void;
  /** The body cannot be completed: the connection is destroyed, so that the client sees a truncation. */
  error(error: Error): void;
}

/** A response body that is made while it is sent. */
export interface BodySource {
  /** Starts the flow. Called once, after the head has been written. */
  start(sink: BodySink): void;
  /** One more chunk, of so many bytes, has left for the client or was dropped: its memory is the source's again. Chunk by chunk, in order; also after the end. */
  taken(bytes: number): void;
  /** The client has gone; nothing more is wanted. Not called after `end` or `error`. */
  cancel(): void;
}

/** An open file, or parts of it. The server closes the handle when it is done, or when the response is dropped. */
export interface FileBody {
  readonly handle: import('node:fs/promises').FileHandle;
  /** What is sent, one after the other: parts of the file, and byte strings between them. */
  readonly pieces: readonly FilePiece[];
  /** If it is given: a file that is not this any more is not sent to its end, so that no client gets parts of two versions as one. */
  readonly version?: FileVersion;
}

/** A byte string (latin-1), or a part of the file, in bytes. */
export type FilePiece = string | { readonly offset: number; readonly length: number };

/** What `fstat` tells of a file, and writing to it changes. */
export interface FileVersion {
  readonly size: bigint;
  readonly mtimeNs: bigint;
}

/**
 * What follows the head: nothing; bytes, or a byte string (latin-1, the quick way for small bodies); an open file; a source; or
 * a tunnel after 101. `taken` is called when the memory of a Buffer is not needed any more, and perhaps never. Trailers are sent where the
 * client can get them: with HTTP/2; with HTTP/1.1 if it says `TE: trailers`; never with a Content-Length, nor of a response without a body.
 */
export type ResponseBody =
  | { readonly kind: 'empty' }
  | { readonly kind: 'bytes'; readonly bytes: Buffer | string; readonly taken?: (() => void) | undefined }
  | { readonly kind: 'file'; readonly file: FileBody }
  | { readonly kind: 'stream'; readonly source: BodySource; readonly trailers?: Trailers | undefined }
  | { readonly kind: 'tunnel'; readonly accept: Tunnel };

/** Fields that follow the body of a response (RFC 9110 section 6.5). */
export interface Trailers {
  /** Announced in the head, by the field `Trailer`, which the server makes. None that a client has to know before the body. */
  readonly names: readonly string[];
  /** Asked at most once, when the whole body has been made; by the server only if they are sent. Fields of those names; what is wrong with them truncates the body. */
  fields(): Fields;
}

/** Takes over the connection after a 101: the raw socket, and what the client has sent since its head. */
export type Tunnel = (socket: import('node:stream').Duplex, firstBytes: Buffer) => void;

/**
 * What a handler answers: a head, and the body that follows it. It belongs to who has been given it, who passes it on or lets go of it
 * (`disposeBody`).
 */
export interface GatewayResponse {
  readonly head: ResponseHead;
  readonly body: ResponseBody;
}

/**
 * Throws (or rejects with) a GatewayError or a RemoteProtocolError for an answer of its status; a LocalProtocolError is a 502, anything else a
 * 500.
 */
export type Handler = (request: GatewayRequest) => GatewayResponse | Promise<GatewayResponse>;

/**
 * Stands between the server and an application, and plays both parts (PEP 3333, "Middleware: Components that Play Both Sides"). It is called
 * once, with what comes behind it; what it returns is called for each request. Docs: docs/guide/middleware.md.
 */
export interface Middleware {
  (next: Handler): Handler;
  /** Lets go of what it holds, when no request will come any more and all answers have been made to their end. */
  readonly close?: () => void | Promise<void>;
}

/** Where program messages go. `fields` are for machines: the code of an error, a request id. */
export interface Log {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void;
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** How many workers there are: never fewer than `min`, and up to `max` when requests wait. */
export interface WorkerRange {
  readonly min: number;
  readonly max: number;
}

/** When a worker is replaced by a new one; 0 means never for that reason. */
export interface Recycling {
  readonly maxRequests: number;
  /** Up to so many requests more, at random for each worker. */
  readonly maxRequestsJitter: number;
  /** Each worker is replaced in the last tenth of this time. */
  readonly maxAgeMs: number;
  readonly maxRssBytes: number;
}

/** Taken on when the sockets are bound; null for what xgi was started with. Names are not looked up yet. */
export interface WantedPrivileges {
  readonly user: string | null;
  readonly group: string | null;
  readonly umask: number | null;
  readonly allowRoot: boolean;
}

/** What a user has to be able to do, as a message says it; with which file or folder; and that as a mode of access(2). */
export type Need = readonly [what: string, file: string, mode: number];

/** Whom programs run as that root starts, while the gateway is somebody else. */
export interface ProgramUser {
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  /** Who can read the files of bodies. */
  readonly bodyUid: number;
  readonly bodyGid: number;
}

/**
 * What a listener is bound to. A Unix-domain socket that is inherited as a descriptor does not tell its `path`: who knows it says so,
 * and the listener names it and removes it at its end.
 */
export type Endpoint = (
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'fd'; readonly fd: number; readonly path?: string }
) & {
  /** Plain HTTP that sends clients to the endpoint with TLS. Default false. */
  readonly redirects?: boolean;
};

/** Bounds on what a client may send; sizes in bytes. A client that breaks one gets the status named. */
export interface HttpLimits {
  /** 414. Default 4094, as gunicorn; without the line end. */
  readonly maxRequestLineBytes: number;
  /** 431. Default 100. */
  readonly maxFields: number;
  /** 431. One field line, name and value, without the line end. Default 8190. */
  readonly maxFieldBytes: number;
  /** 431. The whole head. Default 65,536. */
  readonly maxHeadBytes: number;
  /** 413. Default 8 GiB. */
  readonly maxBodyBytes: number;
  /** Further connections are closed at once. Default 16,384. */
  readonly maxConnections: number;
}

/** In milliseconds; each is checked a few times a second, not to the millisecond. */
export interface HttpDeadlines {
  /** From the accept to the end of the TLS handshake; the connection is destroyed. Default 10 s. */
  readonly handshakeMs: number;
  /** From the first byte of a head (or from the accept) to its end; 408. Default 20 s. */
  readonly headMs: number;
  /** The longest pause inside a request body; 408. Default 30 s. */
  readonly bodyIdleMs: number;
  /**
   * After `bodyIdleMs`, a request body slower than this many bytes a second on average; 408. After `writeIdleMs`, a client that takes
   * its response more slowly; the connection is destroyed. Default 240.
   */
  readonly bodyMinBytesPerSecond: number;
  /** The longest time in which a client takes nothing of a response; the connection is destroyed. Default 60 s. */
  readonly writeIdleMs: number;
  /** How long a connection may be idle between requests. Default 65 s; 0 closes after each response. */
  readonly keepAliveMs: number;
}
