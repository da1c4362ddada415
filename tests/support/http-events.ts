/** Drives the request parser as a connection does, and writes down what it read. */
import { RemoteProtocolError } from '../../src/errors.js';
import { DEFAULT_LIMITS } from '../../src/config/defaults.js';
import { DATA, END, HEAD, NEED_DATA, RequestParser } from '../../src/server/http1/request-parser.js';
import type { RequestHead } from '../../src/server/http1/request-head.js';
import type { HttpLimits } from '../../src/types.js';

export interface ReadRequest {
  readonly head: RequestHead;
  /** Latin-1. */
  body: string;
  /** The body's end, or the head's if there is no body, has been read. */
  complete: boolean;
  /** Where it begins in the input, where its body does, and where it ends; of one that is not complete, the end of the input. */
  readonly start: number;
  readonly bodyStart: number;
  end: number | undefined;
}

export interface Reading {
  readonly requests: ReadRequest[];
  readonly status?: number;
  readonly code?: string;
  readonly message?: string;
  readonly unread: number;
}

/** Nothing is to be read of a lent chunk after `keep`: it is overwritten with this. */
const OVERWRITTEN = 0x5a;

/**
 * Reads the pieces one after the other. All are lent from one buffer that is overwritten as soon as the parser has
 * been told to keep what it needs, as a connection with a reused receive buffer would do.
 */
export function readPieces(pieces: Iterable<Buffer>, limits: Partial<HttpLimits> = {}): Reading {
  const parser = new RequestParser({ ...DEFAULT_LIMITS, ...limits });
  const requests: ReadRequest[] = [];
  let lent = Buffer.alloc(0);
  let pushed = 0;
  try {
    for (const piece of pieces) {
      if (lent.length < piece.length) lent = Buffer.alloc(piece.length);
      piece.copy(lent);
      parser.push(lent, piece.length);
      pushed += piece.length;
      drain(parser, requests, pushed);
      parser.keep();
      lent.fill(OVERWRITTEN);
    }
  } catch (error) {
    if (!(error instanceof RemoteProtocolError)) throw error;
    return {
      requests,
      status: error.status,
      code: error.code,
      message: error.message,
      unread: parser.unread,
    };
  }
  return { requests, unread: parser.unread };
}

function drain(parser: RequestParser, requests: ReadRequest[], pushed: number): void {
  for (;;) {
    switch (parser.next()) {
      case HEAD: {
        const head = parser.head!;
        const bodyStart = pushed - parser.unread;
        const complete = head.contentLength === 0;
        requests.push({
          head,
          body: '',
          complete,
          start: requests.at(-1)?.end ?? 0,
          bodyStart,
          end: complete ? bodyStart : undefined,
        });
        break;
      }
      case DATA:
        requests.at(-1)!.body += parser.data.toString('latin1');
        break;
      case END:
        requests.at(-1)!.complete = true;
        requests.at(-1)!.end = pushed - parser.unread;
        break;
      case NEED_DATA:
        return;
    }
  }
}

export function readWhole(input: string | Buffer, limits?: Partial<HttpLimits>): Reading {
  return readPieces([bytesOf(input)], limits);
}

export function readBytewise(input: string | Buffer, limits?: Partial<HttpLimits>): Reading {
  const bytes = bytesOf(input);
  return readPieces(
    Array.from(bytes, (_, i) => bytes.subarray(i, i + 1)),
    limits,
  );
}

/** The input cut at the given offsets, in order. */
export function cut(input: string | Buffer, offsets: readonly number[]): Buffer[] {
  const bytes = bytesOf(input);
  const ends = [...new Set(offsets.map((offset) => Math.min(offset, bytes.length)))].toSorted(
    (a, b) => a - b,
  );
  const pieces: Buffer[] = [];
  let start = 0;
  for (const end of [...ends, bytes.length]) {
    if (end > start) pieces.push(bytes.subarray(start, end));
    start = end;
  }
  return pieces;
}

function bytesOf(input: string | Buffer): Buffer {
  return typeof input === 'string' ? Buffer.from(input, 'latin1') : input;
}
