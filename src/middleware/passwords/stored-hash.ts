/** What htpasswd writes behind the name of a user: which hashes are taken, and whether a password fits one. */
import { createHash, timingSafeEqual } from 'node:crypto';
import bcrypt from 'bcryptjs';
import { apr1 } from './md5-crypt.js';

/** Each step doubles the time of a check: 15 takes two seconds or more, for each wrong password that somebody sends. */
const MAX_BCRYPT_COST = 15;

const BCRYPT = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/;
const APR1 = /^\$apr1\$([./A-Za-z0-9]{1,8})\$[./A-Za-z0-9]{22}$/;
const SHA = /^\{SHA\}([A-Za-z0-9+/]{27}=)$/;

/** What is not taken, by how it begins. */
const OTHERS: readonly (readonly [RegExp, string])[] = [
  [/^\$2/, 'a bcrypt hash that is damaged, or of an old, unsafe kind'],
  [/^\$apr1\$/, 'an apr1 hash that is damaged'],
  [/^\{SHA\}/i, 'a SHA-1 hash that is damaged'],
  [/^\$1\$/, 'an MD5 hash of a system’s password file'],
  [/^\$5\$/, 'a SHA-256 hash of a system’s password file'],
  [/^\$6\$/, 'a SHA-512 hash of a system’s password file'],
  [/^\$/, 'a hash of an unknown kind'],
  [/^\{/, 'a hash of an unknown kind, as LDAP has them'],
];

/** @returns what is wrong with it, in words, without a part of it: it may be a password. undefined if it is a hash that can be checked */
export function hashProblem(text: string): string | undefined {
  const cost = BCRYPT.exec(text)?.[1];
  if (cost !== undefined) {
    if (Number(cost) >= 4 && Number(cost) <= MAX_BCRYPT_COST) return undefined;
    return `a bcrypt hash of cost ${Number(cost)}, which is not from 4 to ${MAX_BCRYPT_COST}`;
  }
  if (APR1.test(text) || SHA.test(text)) return undefined;
  if (text === '') return 'nothing';
  return OTHERS.find(([begin]) => begin.test(text))?.[1] ?? 'a plain password, or a hash of crypt';
}

/** Whether a check takes microseconds. The others take milliseconds, and are for a thread. */
export function isQuick(hash: string): boolean {
  return SHA.test(hash);
}

/**
 * Takes the time that the hash asks for, and the same for each password. Of a password beyond 72 bytes bcrypt looks at the first 72, as
 * everywhere.
 *
 * @param hash without a {@link hashProblem}
 */
export function fitsHash(password: string, hash: string): boolean {
  const sha = SHA.exec(hash)?.[1];
  if (sha !== undefined)
    return timingSafeEqual(createHash('sha1').update(password).digest(), Buffer.from(sha, 'base64'));
  const salt = APR1.exec(hash)?.[1];
  if (salt !== undefined)
    return timingSafeEqual(Buffer.from(apr1(Buffer.from(password), salt)), Buffer.from(hash));
  return bcrypt.compareSync(password, hash);
}
