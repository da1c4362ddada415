/**
 * The password hash `$apr1$` of Apache's htpasswd: Poul-Henning Kamp's md5-crypt with another magic string. A thousand rounds of MD5, which
 * today's hardware does in no time: for old files only.
 */
import { createHash } from 'node:crypto';

const MAGIC = '$apr1$';
const ROUNDS = 1000;
const ALPHABET = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
/** Which bytes of the digest make a group of four characters. */
const GROUPS = [
  [0, 6, 12],
  [1, 7, 13],
  [2, 8, 14],
  [3, 9, 15],
  [4, 10, 5],
] as const;

/** @param salt at most 8 characters. @returns `$apr1$salt$` and 22 characters */
export function apr1(password: Buffer, salt: string): string {
  const saltBytes = Buffer.from(salt, 'latin1');
  let digest = firstDigest(password, saltBytes);
  for (let round = 0; round < ROUNDS; round++) {
    const parts = [
      round % 2 === 1 ? password : digest,
      round % 3 === 0 ? '' : saltBytes,
      round % 7 === 0 ? '' : password,
      round % 2 === 1 ? digest : password,
    ];
    digest = md5(parts);
  }
  return `${MAGIC}${salt}$${encode(digest)}`;
}

function firstDigest(password: Buffer, salt: Buffer): Buffer {
  const alternate = md5([password, salt, password]);
  const parts: (Buffer | string)[] = [password, MAGIC, salt];
  for (let left = password.length; left > 0; left -= alternate.length)
    parts.push(alternate.subarray(0, Math.min(left, alternate.length)));
  for (let bits = password.length; bits > 0; bits >>= 1)
    parts.push(bits % 2 === 1 ? Buffer.of(0) : password.subarray(0, 1));
  return md5(parts);
}

function md5(parts: readonly (Buffer | string)[]): Buffer {
  const hash = createHash('md5');
  for (const part of parts) hash.update(part);
  return hash.digest();
}

function encode(digest: Buffer): string {
  const groups = GROUPS.map(([high, middle, low]) =>
    sixBits((digest[high]! << 16) | (digest[middle]! << 8) | digest[low]!, 4),
  );
  return groups.join('') + sixBits(digest[11]!, 2);
}

/** The lowest six bits first. */
function sixBits(value: number, characters: number): string {
  let text = '';
  for (let left = value; text.length < characters; left >>= 6) text += ALPHABET[left & 63];
  return text;
}
