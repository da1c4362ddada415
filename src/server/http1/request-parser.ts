/**
 * The HTTP/1.1 request parser: bytes in, events out; it knows no socket (RFC 9112).
 *
 * Theory of operation. `push` lends it a chunk, `next` is called until it says NEED_DATA, `keep` copies what is unread
 * before the lender takes the chunk back. The parser goes through these states:
 *
 *     head ──▶ body of known length ──▶ head
 *      │                                 ▲
 *      └─────▶ chunk size ─▶ chunk data ─┤ (size 0) ─▶ trailers ──▶ head
 *                  ▲             │
 *                  └── CR LF ◀───┘
 *
 * A RemoteProtocolError leaves it in the state `failed`: what follows on the connection cannot be trusted.
 * There are no lenient switches.
 */
import { RemoteProtocolError } from '../../errors.js';
import type { HttpLimits } from '../../types.js';
import { HeadLines } from './head-lines.js';
import { ChunkLine } from '../../http/chunked.js';
import { checkTrailer } from '../../http/trailers.js';
import { CR, LF } from '../../http/chars.js';
import { interpretHead, type RequestHead } from './request-head.js';

export const NEED_DATA = 0;
/** A head is in `head`. If its `contentLength` is not 0, DATA and END follow. */
export const HEAD = 1;
/** A piece of the body is in `data`; it is only lent until the next call. */
export const DATA = 2;
/** The body is complete. */
export const END = 3;
export type ParserEvent = typeof NEED_DATA | typeof HEAD | typeof DATA | typeof END;

type State = 'head' | 'length' | 'chunk-size' | 'chunk-data' | 'chunk-end' | 'trailers' | 'failed';

const EMPTY = Buffer.alloc(0);

export class RequestParser {
  head: RequestHead | undefined;
  data: Buffer = EMPTY;
  /** The head of a request that was refused for the length of its body alone; for the log. */
  refusedHead: RequestHead | undefined = undefined;
  readonly #limits: HttpLimits;
  readonly #lines: HeadLines;
  readonly #chunkLine: ChunkLine = new ChunkLine();
  #state: State = 'head';
  #bytes: Buffer = EMPTY;
  #at = 0;
  #end = 0;
  #lent = false;
  /** Memory of ours. While a body goes on it is kept, and used again whenever its reader pauses: else an upload would leave garbage of its own size. */
  #own: Buffer = EMPTY;
  /** Bytes of the body or of the chunk still to come. */
  #remaining = 0;
  #bodyBytes = 0;
  /** An empty line before the next head has been read over; a second one is refused. */
  #emptyLineRead = false;

  constructor(limits: HttpLimits) {
    this.#limits = limits;
    this.#lines = new HeadLines(limits);
  }

  /** Bytes that were pushed and not read yet. */
  get unread(): number {
    return this.#end - this.#at;
  }

  /** Between two requests, with no byte of the next. */
  get idle(): boolean {
    return this.#state === 'head' && this.#at === this.#end;
  }

  /** Lends a chunk. It is read in place: call `keep` before its memory changes. */
  push(chunk: Buffer, length: number = chunk.length): void {
    const unread = this.#end - this.#at;
    if (unread === 0) {
      this.#bytes = chunk;
      this.#at = 0;
      this.#end = length;
      this.#lent = true;
      return;
    }
    this.#reserve(unread + length);
    chunk.copy(this.#bytes, this.#end, 0, length);
    this.#end += length;
  }

  /** Copies what is unread, so that the parser holds nothing that was lent. */
  keep(): void {
    if (this.#at === this.#end) {
      this.#bytes = EMPTY;
      this.#at = this.#end = 0;
      this.#lent = false;
      if (this.#state === 'head') this.#own = EMPTY;
    } else if (this.#lent) {
      this.#reserve(this.#end - this.#at);
    }
  }

  /** Takes all unread bytes out, for a tunnel. */
  takeUnread(): Buffer {
    const rest = Buffer.from(this.#bytes.subarray(this.#at, this.#end));
    this.#at = this.#end;
    this.keep();
    return rest;
  }

  /** @throws RemoteProtocolError with the status to answer; the connection is to be closed then */
  next(): ParserEvent {
    if (this.#state === 'failed') return NEED_DATA;
    try {
      return this.#next();
    } catch (error) {
      this.#state = 'failed';
      this.#at = this.#end;
      throw error;
    }
  }

  #next(): ParserEvent {
    for (;;) {
      switch (this.#state) {
        case 'head':
          return this.#nextHead();
        case 'length':
          return this.#nextData('head');
        case 'chunk-size': {
          const size = this.#chunkLine.scan(this.#bytes, this.#at, this.#end);
          this.#at = this.#chunkLine.at;
          if (size === -1) return NEED_DATA;
          this.#remaining = size;
          this.#countBody(size);
          if (size === 0) {
            this.#lines.reset(true);
            this.#state = 'trailers';
          } else {
            this.#state = 'chunk-data';
          }
          break;
        }
        case 'chunk-data':
          return this.#nextData('chunk-end');
        case 'chunk-end':
          if (this.#end - this.#at < 2) {
            if (this.#end > this.#at && this.#bytes[this.#at] !== CR) this.#badChunkEnd();
            return NEED_DATA;
          }
          if (this.#bytes[this.#at] !== CR || this.#bytes[this.#at + 1] !== LF) this.#badChunkEnd();
          this.#at += 2;
          this.#state = 'chunk-size';
          break;
        case 'trailers':
          return this.#nextTrailers();
        case 'failed':
          return NEED_DATA;
      }
    }
  }

  #nextHead(): ParserEvent {
    const lines = this.#lines;
    // RFC 9112 section 2.2: one empty line before the request line is ignored; some old clients end a body with it. It is
    // taken alone, too: a connection that has sent nothing else since is idle.
    if (!this.#emptyLineRead && this.#bytes[this.#at] === CR && this.#end - this.#at > 1) {
      if (this.#bytes[this.#at + 1] === LF) this.#at += 2;
      this.#emptyLineRead = true;
    }
    if (this.#at === this.#end) return NEED_DATA;
    const length = lines.scan(this.#bytes, this.#at, this.#end);
    if (length === -1) return NEED_DATA;
    // One string for the whole head, and parts of it: one call into C++ instead of one for each name and value.
    const text = this.#bytes.toString('latin1', this.#at, this.#at + length);
    const { places, count } = lines;
    // oxlint-disable-next-line unicorn/no-new-array -- the length is known, and the array is filled at once
    const fields = new Array<string>(count * 2);
    for (let i = 0, at = 0; i < fields.length; i += 2, at += 4) {
      fields[i] = text.substring(places[at]!, places[at + 1]!);
      fields[i + 1] = text.substring(places[at + 2]!, places[at + 3]!);
    }
    const head = interpretHead(
      text.substring(0, lines.methodEnd),
      text.substring(lines.methodEnd + 1, lines.targetEnd),
      lines.minor,
      fields,
    );
    this.head = head;
    this.#at += length;
    this.#emptyLineRead = false;
    lines.reset(false);
    this.#bodyBytes = 0;
    if (head.contentLength === -1) {
      this.#chunkLine.reset();
      this.#state = 'chunk-size';
    } else if (head.contentLength > 0) {
      this.refusedHead = head;
      this.#countBody(head.contentLength);
      this.refusedHead = undefined;
      this.#remaining = head.contentLength;
      this.#state = 'length';
    }
    return HEAD;
  }

  #nextData(after: 'head' | 'chunk-end'): ParserEvent {
    if (this.#remaining === 0) {
      this.#state = after;
      return END;
    }
    const available = Math.min(this.#remaining, this.#end - this.#at);
    if (available === 0) return NEED_DATA;
    this.data = this.#bytes.subarray(this.#at, this.#at + available);
    this.#at += available;
    this.#remaining -= available;
    if (this.#remaining === 0 && after === 'chunk-end') this.#state = after;
    return DATA;
  }

  /** Trailers are checked and dropped: merged into the header they would get past every check made before (RFC 9110 section 6.5.1). */
  #nextTrailers(): ParserEvent {
    const lines = this.#lines;
    const length = lines.scan(this.#bytes, this.#at, this.#end);
    if (length === -1) return NEED_DATA;
    for (let at = 0; at < lines.count * 4; at += 4) {
      checkTrailer(
        this.#bytes.toString('latin1', this.#at + lines.places[at]!, this.#at + lines.places[at + 1]!),
      );
    }
    this.#at += length;
    lines.reset(false);
    this.#state = 'head';
    return END;
  }

  #countBody(bytes: number): void {
    this.#bodyBytes += bytes;
    if (this.#bodyBytes > this.#limits.maxBodyBytes) {
      throw new RemoteProtocolError(
        413,
        'XGI_HTTP_BODY_SIZE',
        `the body is larger than ${this.#limits.maxBodyBytes} bytes`,
      );
    }
  }

  #badChunkEnd(): never {
    throw new RemoteProtocolError(400, 'XGI_HTTP_CHUNK', 'a chunk is not followed by CR LF');
  }

  /** Makes sure that the unread bytes are in memory of our own with room for `size` in all; doubles, so that a trickle of single bytes stays linear. */
  #reserve(size: number): void {
    const unread = this.#end - this.#at;
    if (!this.#lent && this.#at + size <= this.#bytes.length) return;
    if (!this.#lent && size <= this.#bytes.length && this.#at >= unread) {
      this.#bytes.copyWithin(0, this.#at, this.#end);
    } else {
      if (this.#bytes === this.#own || size > this.#own.length) {
        const larger = Buffer.allocUnsafeSlow(Math.max(size, unread * 2, 256));
        this.#bytes.copy(larger, 0, this.#at, this.#end);
        this.#own = larger;
      } else {
        this.#bytes.copy(this.#own, 0, this.#at, this.#end);
      }
      this.#bytes = this.#own;
      this.#lent = false;
    }
    this.#at = 0;
    this.#end = unread;
  }
}
