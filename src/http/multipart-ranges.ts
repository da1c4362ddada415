/** multipart/byteranges (RFC 9110 section 14.6): several parts of a representation in one answer. */
import { randomBytes } from 'node:crypto';
import { type ByteRange, contentRange } from './byte-ranges.js';

export interface MultipartRanges {
  /** Content-Type of the whole. */
  readonly mediaType: string;
  /** What stands before each part. */
  readonly heads: readonly string[];
  readonly end: string;
  /** Of everything, in bytes. */
  readonly length: number;
}

/** @param mediaType of the representation */
export function multipartRanges(
  ranges: readonly ByteRange[],
  size: number,
  mediaType: string,
): MultipartRanges {
  // Not to be guessed: who writes the file cannot write a boundary into it.
  const boundary = randomBytes(12).toString('hex');
  const heads = ranges.map(
    (range, i) =>
      `${i === 0 ? '' : '\r\n'}--${boundary}\r\nContent-Type: ${mediaType}\r\nContent-Range: ${contentRange(size, range)}\r\n\r\n`,
  );
  const end = `\r\n--${boundary}--\r\n`;
  const length = ranges.reduce((sum, range, i) => sum + heads[i]!.length + range.length, end.length);
  return { mediaType: `multipart/byteranges; boundary=${boundary}`, heads, end, length };
}
