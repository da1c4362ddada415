/** A body that is there as a whole. */
import type { ResponseBody } from '../../types.js';

// oxlint-disable-next-line no-control-regex
const ASCII = /^[\x00-\x7f]*$/;
/** Up to this size, a string is the quick way: head and body leave in one write. */
const MAX_STRING_LENGTH = 16_384;

/** @param body text, which is sent as UTF-8, or bytes, which are not to be changed any more */
export function smallBody(body: string | Uint8Array | null): ResponseBody {
  if (body === null) return { kind: 'empty' };
  if (typeof body === 'string') {
    const isByteText = body.length <= MAX_STRING_LENGTH && ASCII.test(body);
    return { kind: 'bytes', bytes: isByteText ? body : Buffer.from(body, 'utf8') };
  }
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  return { kind: 'bytes', bytes: bytes.length <= MAX_STRING_LENGTH ? bytes.toString('latin1') : bytes };
}
