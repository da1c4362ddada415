import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import bcrypt from 'bcryptjs';
import { describe, expect, test } from 'vitest';
import { fitsHash, hashProblem, isQuick } from '../../../../src/middleware/passwords/stored-hash.js';

const sha = (password: string): string => `{SHA}${createHash('sha1').update(password).digest('base64')}`;

/** Made with `openssl passwd -apr1`. */
const APR1 = [
  ['pässword', '$apr1$abcdefgh$rRdIxwY5XRHT4TMtBPZn.0'],
  ['', '$apr1$x$tMwYqBfQwi3FYAr0aJc8M/'],
  ['a'.repeat(100), '$apr1$zz$cFTwcq7mSH/QvWzHElgn1/'],
] as const;

test.each(APR1)('apr1 of %j', (password, hash) => {
  expect(hashProblem(hash)).toBeUndefined();
  expect(fitsHash(password, hash)).toBe(true);
  expect(fitsHash(`${password}x`, hash)).toBe(false);
  expect(
    fitsHash(
      password,
      hash.replace(/.$/, (last) => (last === '0' ? '1' : '0')),
    ),
  ).toBe(false);
});

test('apr1 is what openssl makes, for passwords of each length up to 40', () => {
  for (let length = 1; length <= 40; length += 1) {
    const password = 'kx9!'.repeat(10).slice(0, length);
    const made = execFileSync('openssl', ['passwd', '-apr1', '-salt', 'Ab./9', password], {
      encoding: 'utf8',
    });
    expect(fitsHash(password, made.trim()), password).toBe(true);
  }
});

test.each(['$2a$', '$2b$', '$2y$'])('bcrypt, %s', (version) => {
  const hash = version + bcrypt.hashSync('geheim', 4).slice(4);
  expect(hashProblem(hash)).toBeUndefined();
  expect(fitsHash('geheim', hash)).toBe(true);
  expect(fitsHash('Geheim', hash)).toBe(false);
  expect(isQuick(hash)).toBe(false);
});

test('SHA-1', () => {
  expect(hashProblem(sha('geheim'))).toBeUndefined();
  expect(fitsHash('geheim', sha('geheim'))).toBe(true);
  expect(fitsHash('geheim ', sha('geheim'))).toBe(false);
  expect(isQuick(sha('geheim'))).toBe(true);
});

describe('refused, without a word of it', () => {
  test.each([
    ['hunter2', 'a plain password'],
    ['rqXexS6ZhobKA', 'crypt'],
    ['$1$salt$qJH7.N4xYta3aEG/dfqo/0', 'MD5'],
    ['$5$salt$Gcm6FsVtF/Qa77ZKD.iwsJlCVPY0XSMgLJL0Hnww/c1', 'SHA-256'],
    ['$6$salt$x', 'SHA-512'],
    ['{SSHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=', 'unknown'],
    ['{SHA}short', 'damaged'],
    ['$apr1$toolongsalt$rRdIxwY5XRHT4TMtBPZn.0', 'damaged'],
    ['$2x$04$abcdefghijklmnopqrstuuMTjTRUqvzBLkLdCzS5k5Q5Z8wEf0aJa', 'unsafe'],
    [`$2y$31$${'a'.repeat(53)}`, 'cost 31'],
    [`$2y$03$${'a'.repeat(53)}`, 'cost 3'],
    ['', 'nothing'],
  ])('%s', (hash, why) => {
    const problem = hashProblem(hash);
    expect(problem).toContain(why);
    if (hash !== '') expect(problem).not.toContain(hash);
  });
});
