/** The content codings that Node can make (RFC 9110 section 8.4.1, RFC 7932, RFC 8878). */
import type { Transform } from 'node:stream';
import { promisify } from 'node:util';
import zlib from 'node:zlib';
import { GzipPool } from './gzip-pool.js';

export type CodingName = 'br' | 'zstd' | 'gzip';

export interface CodingLevels {
  readonly gzip: number;
  readonly br: number;
  readonly zstd: number;
}

/** A stream of zlib's that can be told to give out what it holds. */
export type Encoder = Transform & { flush(kind: number, done?: () => void): void };

export interface Coding {
  readonly name: CodingName;
  /** On this thread. */
  encodeSync(bytes: Buffer): Buffer;
  /** On another thread; not more than {@link MAX_WHOLE_BYTES}. */
  encode(bytes: Buffer): Promise<Buffer>;
  createEncoder(): Encoder;
  /** What an encoder's `flush` is given. */
  readonly flushKind: number;
}

/** Node 22.15 and later; the types are those of Node 20. */
interface Zstd {
  createZstdCompress?(options: object): Encoder;
  zstdCompressSync(bytes: Buffer, options: object): Buffer;
  zstdCompress(bytes: Buffer, options: object, done: (error: Error | null, bytes: Buffer) => void): void;
}

const { constants } = zlib;
const zstd = zlib as unknown as Zstd;
/** RFC 8878 section 3.1.1.1.2 and RFC 9659: a client need not have more than 8 MiB; the levels that are allowed take less. */
const ZSTD_LEVEL = 100;
const ZSTD_FLUSH = 1;
/** 512 KiB, as nginx has it, in the place of 4 MiB for each answer. */
const BROTLI_WINDOW_BITS = 19;
/** Longer bodies are compressed while they are sent. */
export const MAX_WHOLE_BYTES = 1_048_576;
/** Output is rarely longer. */
const CHUNK_BYTES = 32_768;

const asyncBrotli = promisify<Buffer, zlib.BrotliOptions, Buffer>(zlib.brotliCompress);

export const hasZstd = zstd.createZstdCompress !== undefined;

export function createCoding(name: CodingName, levels: CodingLevels): Coding {
  switch (name) {
    case 'gzip':
      return createGzip(levels.gzip);
    case 'br':
      return createBrotli(levels.br);
    case 'zstd':
      return createZstd(levels.zstd);
  }
}

function createGzip(level: number): Coding {
  // With memLevel 9 it takes a tenth less time than with 8, for 128 KiB more: `npm run bench -- compression`.
  const options = { level, memLevel: 9, chunkSize: CHUNK_BYTES };
  const pool = new GzipPool(options, 2 * MAX_WHOLE_BYTES);
  return {
    name: 'gzip',
    encodeSync: (bytes) => zlib.gzipSync(bytes, { ...options, ...windowFor(bytes.length) }),
    encode: (bytes) => pool.encode(bytes),
    createEncoder: () => zlib.createGzip(options),
    flushKind: constants.Z_SYNC_FLUSH,
  };
}

/** A window as small as the body: making the tables of a large one takes longer than compressing a few kilobytes. */
function windowFor(bytes: number): zlib.ZlibOptions {
  if (bytes > 16_384) return {};
  const windowBits = Math.max(9, Math.ceil(Math.log2(bytes + 1)));
  return { windowBits, memLevel: Math.max(1, windowBits - 7) };
}

function createBrotli(level: number): Coding {
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: level,
    [constants.BROTLI_PARAM_LGWIN]: BROTLI_WINDOW_BITS,
  };
  const options = { params, chunkSize: CHUNK_BYTES };
  const sized = (bytes: Buffer): zlib.BrotliOptions => ({
    chunkSize: CHUNK_BYTES,
    params: { ...params, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length },
  });
  return {
    name: 'br',
    encodeSync: (bytes) => zlib.brotliCompressSync(bytes, sized(bytes)),
    encode: (bytes) => asyncBrotli(bytes, sized(bytes)),
    createEncoder: () => zlib.createBrotliCompress(options),
    flushKind: constants.BROTLI_OPERATION_FLUSH,
  };
}

function createZstd(level: number): Coding {
  const options = { params: { [ZSTD_LEVEL]: level }, chunkSize: CHUNK_BYTES };
  return {
    name: 'zstd',
    encodeSync: (bytes) => zstd.zstdCompressSync(bytes, options),
    encode: (bytes) =>
      new Promise((resolve, reject) => {
        zstd.zstdCompress(bytes, options, (error, coded) =>
          error === null ? resolve(coded) : reject(error),
        );
      }),
    createEncoder: () => zstd.createZstdCompress!(options),
    flushKind: ZSTD_FLUSH,
  };
}
