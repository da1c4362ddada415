/**
 * Tokens that decide themselves how they are verified: without a signature (`none`), with a public key taken for a secret, with a key
 * that they bring along or say where to find (`jwk`, `jku`, `x5u`, `kid`). All of it has been believed by some library.
 */
import { createHmac, createPublicKey, sign } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { bearer } from '../../src/middleware/bearer.js';
import {
  type IssuerKey,
  joinToken,
  makeKey,
  makeToken,
  nowSeconds,
  SECRET,
  startKeyServer,
} from '../support/issuer.js';
import { startMiddleware } from '../support/middleware-site.js';
import { makeTempDir } from '../support/temp-dir.js';

type Options = NonNullable<Parameters<typeof bearer>[0]>;

let ours: IssuerKey;
let theirs: IssuerKey;

beforeAll(async () => {
  [ours, theirs] = await Promise.all([makeKey('ours'), makeKey('theirs')]);
});

async function start(options: Options): Promise<(token: string) => Promise<number>> {
  const middleware = bearer(options);
  onTestFinished(() => middleware.close?.());
  const { url } = await startMiddleware([middleware]);
  return async (token) => (await fetch(url, { headers: { Authorization: `Bearer ${token}` } })).status;
}

function keyFile(text: string): string {
  const file = path.join(makeTempDir(), 'keys');
  writeFileSync(file, text);
  return file;
}

const claims = (): object => ({ sub: 'admin', exp: nowSeconds() + 60 });

function signedBy(key: IssuerKey, header: object): string {
  const unsigned = joinToken(header, claims()).slice(0, -1);
  return `${unsigned}.${sign('sha256', Buffer.from(unsigned), key.privateKey).toString('base64url')}`;
}

/** As whoever takes any key for the secret of any algorithm would verify it. */
function hmacToken(secret: string | Buffer, header: object): string {
  const unsigned = joinToken(header, claims()).slice(0, -1);
  return `${unsigned}.${createHmac('sha256', secret).update(unsigned).digest('base64url')}`;
}

describe.each([
  ['a PEM file', () => ({ keyFile: keyFile(ours.pem) })],
  ['a key set', () => ({ keyFile: keyFile(JSON.stringify({ keys: [ours.jwk] })) })],
  [
    'a key set that does not say for what its key is',
    () => ({ keyFile: keyFile(JSON.stringify({ keys: [{ ...ours.jwk, alg: undefined, use: undefined }] })) }),
  ],
  ['a secret', () => ({ secret: SECRET })],
])('with %s', (_what, options: () => Options) => {
  test.each(['none', 'None', 'NONE', ''])('the algorithm %j', async (alg) => {
    const status = await start(options());
    expect(await status(joinToken({ alg }, claims()))).toBe(401);
    expect(await status(joinToken({ alg, kid: 'ours' }, claims(), 'x'))).toBe(401);
  });

  test('a public key as the secret', async () => {
    const status = await start(options());
    const der = createPublicKey(ours.pem).export({ type: 'spki', format: 'der' });
    for (const secret of [ours.pem, ours.pem.trim(), der, JSON.stringify(ours.jwk), ours.jwk.n!, ''])
      for (const kid of ['ours', undefined])
        expect(await status(hmacToken(secret, { alg: 'HS256', kid }))).toBe(401);
  });

  test('a key that the token brings, or says where to find', async () => {
    const issuer = await startKeyServer(theirs);
    const status = await start(options());
    const { jwk } = theirs;
    for (const header of [
      { jwk },
      { jku: issuer.url },
      { x5u: issuer.url },
      { jwk, kid: 'ours' },
      { x5c: [theirs.pem] },
    ])
      expect(await status(signedBy(theirs, { alg: 'RS256', ...header }))).toBe(401);
    expect(issuer.asked).toBe(0);
  });

  test.each([
    '../../../dev/null',
    '/dev/null',
    "' UNION SELECT 'x",
    'http://127.0.0.1/',
    '__proto__',
    'ours\0',
    'x'.repeat(4000),
  ])('a kid that is a path, a query or a URL: %j', async (kid) => {
    const status = await start(options());
    expect(await status(signedBy(theirs, { alg: 'RS256', kid }))).toBe(401);
    expect(await status(hmacToken('', { alg: 'HS256', kid }))).toBe(401);
  });

  test('headers and parts that are not what they should be', async () => {
    const status = await start(options());
    const good = 'secret' in options() ? await makeToken(Buffer.from(SECRET)) : await makeToken(ours);
    expect(await status(good)).toBe(200);
    const [header, payload, signature] = good.split('.') as [string, string, string];
    const other = Buffer.from(JSON.stringify({ sub: 'admin', exp: nowSeconds() + 60 })).toString('base64url');
    for (const token of [
      `${header}.${other}.${signature}`,
      `${header}.${payload}.`,
      `${header}.${payload}`,
      `${header}..${signature}`,
      `${good}.${signature}`,
      `${header}.${payload}.${signature.slice(0, -2)}`,
      joinToken({ alg: 'RS256', crit: ['x'], x: 1 }, claims(), 'x'),
      joinToken({ alg: ['RS256'] }, claims(), 'x'),
      joinToken({}, claims(), 'x'),
      joinToken([], [], 'x'),
      '..',
    ])
      expect(await status(token), token).toBe(401);
  });

  test('a payload that is not encoded', async () => {
    const status = await start(options());
    expect(await status(joinToken({ alg: 'RS256', b64: false, crit: ['b64'] }, claims(), 'x'))).toBe(401);
  });
});

test('a secret in a key set is none', async () => {
  const secret = Buffer.from(SECRET);
  const jwk = { kty: 'oct', kid: 'ours', k: secret.toString('base64url') };
  const status = await start({ keyFile: keyFile(JSON.stringify({ keys: [jwk, ours.jwk] })) });
  expect(await status(await makeToken(secret, { header: { kid: 'ours' } }))).toBe(401);
  expect(await status(await makeToken(ours))).toBe(200);
});

test('a thousand unknown keys ask the issuer once', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  onTestFinished(() => void vi.useRealTimers());
  const issuer = await startKeyServer(ours);
  const status = await start({ jwksUrl: issuer.url });
  expect(await status(await makeToken(ours))).toBe(200);
  vi.advanceTimersByTime(10_001);
  const tokens = Array.from({ length: 1000 }, (_, i) =>
    joinToken({ alg: 'RS256', kid: `k${i}` }, claims(), 'x'),
  );
  for (let i = 0; i < tokens.length; i += 50)
    expect(new Set(await Promise.all(tokens.slice(i, i + 50).map(status)))).toEqual(new Set([401]));
  expect(issuer.asked).toBe(2);
});

test(
  'an issuer that hangs holds up nobody whose key is known, and others not for ever',
  { timeout: 20_000 },
  async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    onTestFinished(() => void vi.useRealTimers());
    const issuer = await startKeyServer(ours);
    const status = await start({ jwksUrl: issuer.url });
    const known = await makeToken(ours);
    expect(await status(known)).toBe(200);
    issuer.answer = () => {};
    vi.advanceTimersByTime(600_001);
    const unknown = status(joinToken({ alg: 'RS256', kid: 'x' }, claims(), 'x'));
    await vi.waitFor(() => expect(issuer.asked).toBe(2));
    expect(await status(known)).toBe(200);
    // Five seconds later.
    expect(await unknown).toBe(401);
  },
);
