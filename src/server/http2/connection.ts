/**
 * One client connection of HTTP/2 (RFC 9113). Frames, HPACK and flow control are nghttp2's, through `node:http2`; what is bounded here is what a
 * client may have us do: streams at once, resets in a time, idleness, windows that it does not open.
 */
import {
  constants,
  performServerHandshake,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { Socket } from 'node:net';
import type { AcceptedConnection, ConnectionContext } from '../connection.js';
import type { ServedConnection } from '../served-connection.js';
import { Http2Stream, type StreamContext } from './stream.js';

const MAX_STREAMS = 100;

/**
 * Requests that a client may take back in the time, on one connection (rapid reset, CVE-2023-44487): each has cost a call of the handler.
 * A browser that leaves a page with all its streams open resets a hundred.
 */
const MAX_RESETS = 400;
const RESET_WINDOW_MS = 10_000;

/** Of all streams together: one that is not read does not keep the others from being so. A stream has 64 KiB. */
const CONNECTION_WINDOW_BYTES = 1_048_576;

/** Frames that make no sense: Node answers them and counts. */
const MAX_INVALID_FRAMES = 100;

/** What HPACK counts for a field beside its name and value (RFC 7541 section 4.1). */
const FIELD_OVERHEAD = 32;
const PSEUDO_FIELDS = 4;

/**
 * What is beyond the limits is taken in up to here, so that it can be answered with 431; beyond that, Node resets the stream. With more bytes, nghttp2
 * would see its eighth CONTINUATION frame before, and end the connection, as it does for one field of 64 KiB.
 */
const ANSWERED_FIELDS_FACTOR = 4;
const ANSWERED_BYTES_FACTOR = 2;

/** For the last frames, when all streams have ended. */
const CLOSE_MS = 2000;

/** Node gives the list of the fields as it came, too; its types do not tell. */
type OnStream = (stream: ServerHttp2Stream, headers: unknown, flags: number, list: readonly string[]) => void;

export class Http2Connection implements ServedConnection {
  readonly #session: ServerHttp2Session;
  readonly #carrier: Socket;
  readonly #context: ConnectionContext;
  readonly #streams = new Set<Http2Stream>();
  #requests = 0;
  #resets = 0;
  #resetsSinceMs = 0;
  /** Since when there is no stream. */
  #idleSinceMs: number = performance.now();
  #closingSinceMs = 0;

  constructor({ accepted, secure, peer, handler }: Required<AcceptedConnection>, context: ConnectionContext) {
    const { maxFields, maxHeadBytes } = context.limits;
    const session = performServerHandshake(secure, {
      maxHeaderListPairs: ANSWERED_FIELDS_FACTOR * maxFields + PSEUDO_FIELDS,
      maxSessionInvalidFrames: MAX_INVALID_FRAMES,
      settings: {
        maxConcurrentStreams: MAX_STREAMS,
        maxHeaderListSize:
          ANSWERED_BYTES_FACTOR * (maxHeadBytes + FIELD_OVERHEAD * (maxFields + PSEUDO_FIELDS)),
      },
    });
    this.#session = session;
    this.#carrier = accepted;
    this.#context = context;
    const shared: StreamContext = { connection: context, peer, handler, closed: this.#streamClosed };
    session.setLocalWindowSize(CONNECTION_WINDOW_BYTES);
    session.on('stream', ((stream, _headers, flags, list) => {
      this.#requests++;
      this.#streams.add(new Http2Stream(stream, list, flags, shared));
    }) as OnStream);
    // It is followed by 'close'.
    session.on('error', () => {});
    secure.on('error', () => {});
    // Without its windows and resets, nothing of what is under way could be ended well. Node would wait for more.
    secure.once('end', () => this.destroy());
    session.on('close', () => context.closed(this));
  }

  readonly #streamClosed = (stream: Http2Stream, wasReset: boolean): void => {
    this.#streams.delete(stream);
    if (this.#streams.size === 0) this.#idleSinceMs = performance.now();
    if (wasReset) this.#countReset();
  };

  #countReset(): void {
    const nowMs = performance.now();
    if (nowMs - this.#resetsSinceMs > RESET_WINDOW_MS) {
      this.#resetsSinceMs = nowMs;
      this.#resets = 0;
    }
    if (++this.#resets !== MAX_RESETS + 1) return;
    this.#context.log.info(
      `XGI_HTTP2_RESETS: a client has taken back ${this.#resets} requests in ${RESET_WINDOW_MS / 1000} s; its connection is closed`,
    );
    this.#session.destroy(new Error('too many resets'), constants.NGHTTP2_ENHANCE_YOUR_CALM);
  }

  check(nowMs: number): void {
    for (const stream of this.#streams) stream.check(nowMs);
    this.#checkDrain(nowMs);
    if (this.#streams.size > 0) return;
    const { headMs, keepAliveMs } = this.#context.deadlines;
    const idleMs = nowMs - this.#idleSinceMs;
    if (idleMs > (this.#requests === 0 ? headMs : keepAliveMs)) this.#close(nowMs);
    if (this.#closingSinceMs !== 0 && nowMs - Math.max(this.#closingSinceMs, this.#idleSinceMs) > CLOSE_MS)
      this.destroy();
  }

  /**
   * As HTTP/1.1: a request that is on its way when the shutdown begins is still answered. Nothing is announced before (RFC 9113 section 6.8): once
   * any GOAWAY has left, nghttp2 ignores new streams, whatever it says.
   */
  #checkDrain(nowMs: number): void {
    const { drainingSinceMs, drainIdleMs } = this.#context;
    if (drainingSinceMs !== undefined && nowMs - drainingSinceMs > drainIdleMs) this.#close(nowMs);
  }

  /** No stream more; those that are there end. The GOAWAY says which that are, so that a client can ask another server for the rest. */
  #close(nowMs: number): void {
    if (this.#closingSinceMs !== 0) return;
    this.#closingSinceMs = nowMs;
    this.#session.close();
  }

  get isBusy(): boolean {
    return this.#streams.size > 0;
  }

  cutOff(): void {
    for (const stream of this.#streams) stream.cutOff();
  }

  destroy(): void {
    this.#session.destroy();
    this.#carrier.destroy();
  }
}
