/** An issuer of tokens: keys, a server that publishes them, and tokens of any kind, right or wrong. */
import { generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, type JWK, SignJWT } from 'jose';
import { onTestFinished } from 'vitest';

export interface IssuerKey {
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  readonly pem: string;
  readonly jwk: JWK;
}

export async function makeKey(kid: string, bits = 2048): Promise<IssuerKey> {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: bits });
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  return {
    kid,
    privateKey,
    publicKey,
    pem,
    jwk: { ...(await exportJWK(publicKey)), kid, alg: 'RS256', use: 'sig' },
  };
}

export interface TokenOptions {
  readonly alg?: string;
  readonly header?: Readonly<Record<string, unknown>>;
  readonly claims?: Readonly<Record<string, unknown>>;
  /** Seconds from now; undefined for a token without. */
  readonly exp?: number | undefined;
}

/** Signed with a key of the issuer, or whatever key is given. */
export async function makeToken(
  key: Pick<IssuerKey, 'kid' | 'privateKey'> | Uint8Array,
  options: TokenOptions = {},
): Promise<string> {
  const isSecret = key instanceof Uint8Array;
  const { alg = isSecret ? 'HS256' : 'RS256', header = {}, claims = {} } = options;
  const exp = 'exp' in options ? options.exp : 60;
  const payload = { sub: 'ada', ...claims, ...(exp === undefined ? {} : { exp: nowSeconds() + exp }) };
  const kid = isSecret ? {} : { kid: key.kid };
  return await new SignJWT(payload)
    .setProtectedHeader({ alg, ...kid, ...header })
    .sign(isSecret ? key : key.privateKey);
}

/** The parts of a token, put together as they are. */
export function joinToken(header: object, claims: object, signature: Buffer | string = ''): string {
  const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url');
  return `${encode(header)}.${encode(claims)}.${Buffer.from(signature).toString('base64url')}`;
}

export function nowSeconds(): number {
  return Math.floor(Date.now() / 1000);
}

export const SECRET = randomBytes(32).toString('hex');

export interface KeyServer {
  readonly url: string;
  /** How often it was asked. */
  asked: number;
  /** How it answers from now on. */
  answer: (response: ServerResponse) => void;
  publish(...keys: readonly IssuerKey[]): void;
}

export async function startKeyServer(...keys: readonly IssuerKey[]): Promise<KeyServer> {
  const server = createServer((_, response) => {
    running.asked += 1;
    running.answer(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const running: KeyServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`,
    asked: 0,
    answer: () => {},
    publish: (...published) => {
      const body = JSON.stringify({ keys: published.map(({ jwk }) => jwk) });
      running.answer = (response) => response.end(body);
    },
  };
  running.publish(...keys);
  return running;
}
