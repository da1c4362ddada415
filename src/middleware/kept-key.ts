/** A client's text as the key of something that is kept. */
import { createHash } from 'node:crypto';
import { detached } from '../gateway/byte-text.js';

const MAX_LENGTH = 64;

/** To look it up by: of long texts a digest, so that no client chooses how much is kept. */
export function shortKey(text: string): string {
  return text.length <= MAX_LENGTH ? text : createHash('sha256').update(text, 'latin1').digest('base64');
}

/** To keep it by: the same, with memory of its own. */
export function keptKey(text: string): string {
  return detached(shortKey(text));
}
