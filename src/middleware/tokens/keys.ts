/** Where the keys that verify tokens come from: an address, a file, a secret. Symmetric keys come from a secret only, so that no public key is ever taken for one. */
import { createPublicKey, createSecretKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createLocalJWKSet } from 'jose/jwks/local';
import type { JSONWebKeySet, JWTVerifyGetKey } from 'jose';

export type TokenKey = Awaited<ReturnType<JWTVerifyGetKey>>;

/** Gives the key for a token, by its header. */
export interface TokenKeys {
  readonly find: JWTVerifyGetKey;
  readonly close?: () => void;
}

export function secretKey(secret: string): TokenKeys {
  const key = createSecretKey(Buffer.from(secret));
  return { find: () => key };
}

/** @throws Error for a file that cannot be read, or has no public keys */
export function fileKeys(path: string): TokenKeys {
  const text = readFileSync(path, 'utf8');
  if (!/^\s*-----BEGIN /.test(text)) return { find: readKeySet(text) };
  const key = readPublicKey(text);
  return { find: () => key };
}

function readPublicKey(pem: string): KeyObject {
  if (!/^\s*-----BEGIN (?:RSA )?PUBLIC KEY-----|^\s*-----BEGIN CERTIFICATE-----/.test(pem))
    throw new Error('it is not a public key; to verify tokens, nothing else is needed');
  const key = createPublicKey(pem);
  const { modulusLength } = key.asymmetricKeyDetails ?? {};
  if (modulusLength !== undefined && modulusLength < 2048)
    throw new Error(`a key of ${modulusLength} bits is not safe; expected 2048 or more`);
  return key;
}

/** @throws Error for text that is not a JSON Web Key Set with keys in it */
export function readKeySet(text: string): JWTVerifyGetKey {
  let set: JSONWebKeySet;
  try {
    set = JSON.parse(text) as JSONWebKeySet;
  } catch {
    throw new Error('it is not JSON');
  }
  const find = createLocalJWKSet(set);
  if (set.keys.length === 0) throw new Error('it has no keys');
  return find;
}
