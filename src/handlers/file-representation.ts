/**
 * A file as an answer to GET and HEAD: validators, preconditions, and parts of it (RFC 9110 sections 8.8, 13 and 14).
 *
 * One that is in memory is used for many answers, and has the two that nearly all of them are made in advance. One that is an open file is
 * for one answer, which takes the handle with it.
 */
import type { BigIntStats } from 'node:fs';
import { type ByteRange, contentRange, parseRange } from '../http/byte-ranges.js';
import { evaluatePreconditions, isConditional, rangeCounts, type Validators } from '../http/conditional.js';
import { formatHttpDate, parseHttpDate } from '../http/date.js';
import type { EntityTag } from '../http/entity-tag.js';
import { combinedValue } from '../http/field-values.js';
import { multipartRanges } from '../http/multipart-ranges.js';
import { ResponseHead } from '../http/response-head.js';
import type { Fields, FilePiece, GatewayRequest, GatewayResponse, ResponseBody } from '../types.js';
import type { OpenFile, ReadFile } from './open-file.js';

export interface RepresentationOptions {
  readonly file: OpenFile | ReadFile;
  readonly mediaType: string;
  /** Of every answer, if there are other forms of the file. */
  readonly vary?: string | undefined;
  /** Of every answer but a refusal, which a cache would keep for others (RFC 9111 section 3): Cache-Control. */
  readonly fields?: readonly string[];
  /** Of every answer with content: Content-Encoding. */
  readonly contentFields?: readonly string[];
  /** Instead of the one that the file has. One that is malformed matches nothing. */
  readonly etag?: string | undefined;
  /** Instead of the one that the file has. One that is malformed matches nothing. */
  readonly lastModified?: string | undefined;
  /** Default true. */
  readonly acceptsRanges?: boolean;
  /** Of a 200. */
  readonly reason?: string;
}

/** A file that was written to so recently may be again without that its time tells (RFC 9110 section 8.8.2.2). */
const SETTLED_MS = 1000;
/** Head and body go out as one string up to here; beyond, as two buffers in one write. */
const MAX_TEXT_BYTES = 16_384;

export class FileRepresentation {
  /** Whether it may have changed since without showing it. */
  readonly isYoung: boolean;
  readonly #options: RepresentationOptions;
  readonly #size: number;
  readonly #validators: Validators;
  /** Of a 304. */
  readonly #metadata: readonly string[];
  readonly #vary: readonly string[];
  readonly #versions: readonly string[];
  readonly #content: readonly string[];
  readonly #whole: GatewayResponse;
  #unmodified: GatewayResponse | undefined;

  constructor(options: RepresentationOptions) {
    const { file, mediaType, vary, fields = [], contentFields = [], acceptsRanges = true, reason } = options;
    const { stats } = file;
    const nowMs = Date.now();
    this.#options = options;
    this.#size = Number(stats.size);
    // By the time that nobody can set.
    this.isYoung = nowMs - Number(stats.ctimeMs) < SETTLED_MS;
    const etag = options.etag ?? entityTag(stats, this.isYoung);
    const lastModified = options.lastModified ?? formatHttpDate(lastModifiedMs(stats, nowMs));
    this.#validators = {
      etag: etag as EntityTag,
      lastModifiedMs: parseHttpDate(lastModified) ?? Number.NaN,
    };
    this.#versions = ['Last-Modified', lastModified, 'ETag', etag];
    this.#vary = vary === undefined ? [] : ['Vary', vary];
    this.#metadata = [...this.#versions, ...fields, ...this.#vary];
    this.#content = ['Accept-Ranges', acceptsRanges ? 'bytes' : 'none', ...contentFields, ...this.#metadata];
    const head = ['Content-Type', mediaType, 'Content-Length', String(this.#size), ...this.#content];
    this.#whole = { head: new ResponseHead(200, head, reason), body: wholeBody(file, this.#size) };
  }

  /** Of the body; 0 if it is not in memory. */
  get memoryBytes(): number {
    return 'bytes' in this.#options.file ? this.#size : 0;
  }

  /** @param request a GET or HEAD */
  answer(request: GatewayRequest): GatewayResponse {
    if (!isConditional(request.fields)) return this.#whole;
    const precondition = evaluatePreconditions(request.fields, this.#validators);
    if (precondition === 'failed') return this.#refuse(412, this.#versions);
    if (precondition === 'unmodified') return this.#notModified();
    const { acceptsRanges = true } = this.#options;
    const range =
      acceptsRanges && request.method === 'GET' ? combinedValue(request.fields, 'range') : undefined;
    if (range === undefined || !rangeCounts(request.fields, this.#validators)) return this.#whole;
    const ranges = parseRange(range, this.#size);
    if (ranges === 'all') return this.#whole;
    if (ranges === 'none') return this.#refuse(416, ['Content-Range', contentRange(this.#size)]);
    return ranges.length === 1 ? this.#part(ranges[0]!) : this.#parts(ranges);
  }

  /** The whole of it with another status and nothing that would let a client keep it: an error page. */
  asError(status: number, fields: Fields): GatewayResponse {
    const { mediaType } = this.#options;
    return { head: new ResponseHead(status, ['Content-Type', mediaType, ...fields]), body: this.#whole.body };
  }

  #notModified(): GatewayResponse {
    this.#drop();
    this.#unmodified ??= { head: new ResponseHead(304, this.#metadata), body: { kind: 'empty' } };
    return this.#unmodified;
  }

  #refuse(status: 412 | 416, fields: readonly string[]): GatewayResponse {
    this.#drop();
    return { head: new ResponseHead(status, [...fields, ...this.#vary]), body: { kind: 'empty' } };
  }

  #part(range: ByteRange): GatewayResponse {
    const fields = [
      'Content-Type',
      this.#options.mediaType,
      'Content-Range',
      contentRange(this.#size, range),
    ];
    return this.#partial(fields, [range]);
  }

  #parts(ranges: readonly ByteRange[]): GatewayResponse {
    const { mediaType, heads, end } = multipartRanges(ranges, this.#size, this.#options.mediaType);
    const pieces = [...ranges.flatMap((range, i) => [heads[i]!, range]), end];
    return this.#partial(['Content-Type', mediaType], pieces);
  }

  #partial(fields: readonly string[], pieces: readonly FilePiece[]): GatewayResponse {
    const { file } = this.#options;
    const head = new ResponseHead(206, [...fields, ...this.#content]);
    if (!('bytes' in file))
      return { head, body: { kind: 'file', file: { handle: file.handle, pieces, version: file.stats } } };
    const parts = pieces.map((piece) =>
      typeof piece === 'string'
        ? Buffer.from(piece, 'latin1')
        : file.bytes.subarray(piece.offset, piece.offset + piece.length),
    );
    const bytes = parts.length === 1 ? parts[0]! : Buffer.concat(parts);
    return { head, body: { kind: 'bytes', bytes } };
  }

  /** Closes a file that is not sent. */
  #drop(): void {
    const { file } = this.#options;
    if ('handle' in file) void file.handle.close().catch(() => {});
  }
}

/**
 * Other bytes have another one: another file, another length, or a later change. Weak, if that cannot be said yet. By the time that nobody can
 * set: a file of a reproducible build has the mtime of the one it replaces, and often its inode too.
 */
function entityTag({ size, ctimeNs, ino }: BigIntStats, isWeak: boolean): EntityTag {
  return `${isWeak ? 'W/' : ''}"${[size, ctimeNs, ino].map((part) => part.toString(36)).join('-')}"`;
}

/** Whole seconds, in milliseconds; not in the future (RFC 9110 section 8.8.2.1). */
function lastModifiedMs({ mtimeMs }: BigIntStats, nowMs: number): number {
  return Math.floor(Math.min(Number(mtimeMs), nowMs) / 1000) * 1000;
}

function wholeBody(file: OpenFile | ReadFile, size: number): ResponseBody {
  if ('bytes' in file) {
    const { bytes } = file;
    return { kind: 'bytes', bytes: size <= MAX_TEXT_BYTES ? bytes.toString('latin1') : bytes };
  }
  const pieces = [{ offset: 0, length: size }];
  return { kind: 'file', file: { handle: file.handle, pieces, version: file.stats } };
}
