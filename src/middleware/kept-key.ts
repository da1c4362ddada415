/** A client's text as the key of something that is kept. */
import { createHash } from 'node:crypto';

const MAX_LENGTH = 64;

/** A copy, as a part of a head would keep the whole head alive; of long ones a digest, so that no client chooses how much is kept. */
export function keptKey(text: string): string {
  const bytes = Buffer.from(text, 'latin1');
  return bytes.length <= MAX_LENGTH
    ? bytes.toString('latin1')
    : createHash('sha256').update(bytes).digest('base64');
}
