import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { ConfigError } from '../../../src/errors.js';
import { bearer } from '../../../src/middleware/bearer.js';
import type { GatewayRequest, Log, Middleware } from '../../../src/types.js';
import { answer } from '../../support/http-server.js';
import { type IssuerKey, makeKey, makeToken, SECRET, startKeyServer } from '../../support/issuer.js';
import { see, startMiddleware } from '../../support/middleware-site.js';
import { makeTempDir } from '../../support/temp-dir.js';

type Options = NonNullable<Parameters<typeof bearer>[0]>;

let first: IssuerKey;
let second: IssuerKey;

beforeAll(async () => {
  [first, second] = await Promise.all([makeKey('first'), makeKey('second')]);
});

afterEach(() => {
  vi.useRealTimers();
});

async function ask(url: string, token?: string): Promise<Response> {
  return await fetch(url, token === undefined ? {} : { headers: { Authorization: `Bearer ${token}` } });
}

function make(options: Options): Middleware {
  const middleware = bearer(options);
  onTestFinished(() => middleware.close?.());
  return middleware;
}

async function status(options: Options, token: string): Promise<number> {
  const { url } = await startMiddleware([make(options)]);
  return (await ask(url, token)).status;
}

describe('the answer', () => {
  const options: Options = { secret: SECRET, realm: 'api', scopes: ['read', 'write'] };

  test.each([
    ['no token', undefined, 401, 'Bearer realm="api"'],
    ['another scheme', 'Basic YTpi', 401, 'Bearer realm="api"'],
    [
      'a token that is none',
      'Bearer abc',
      401,
      'Bearer realm="api", error="invalid_token", error_description="it is not a signed token"',
    ],
  ])('to %s', async (_what, authorization, expected, challenge) => {
    const { url } = await startMiddleware([make(options)]);
    const headers = authorization === undefined ? {} : { Authorization: authorization };
    const response = await fetch(url, { headers });
    expect(response.status).toBe(expected);
    expect(response.headers.get('www-authenticate')).toBe(challenge);
  });

  test.each([
    [{ scope: 'write other read' }, 200],
    [{ scp: ['read', 'write'] }, 200],
    [{ scp: 'read write' }, 200],
    [{ scope: 'read' }, 403],
    [{ scope: 'readwrite' }, 403],
    [{ scope: { read: true, write: true } }, 403],
    [{}, 403],
  ])('to the scopes %j', async (claims, expected) => {
    const { url } = await startMiddleware([make(options)]);
    const response = await ask(url, await makeToken(Buffer.from(SECRET), { claims }));
    expect(response.status).toBe(expected);
    if (expected === 403)
      expect(response.headers.get('www-authenticate')).toBe(
        'Bearer realm="api", error="insufficient_scope", scope="read write"',
      );
  });
});

describe('the application', () => {
  test('sees who it is, and chosen claims as variables', async () => {
    let seen: GatewayRequest | undefined;
    const claims = {
      email: 'OIDC_EMAIL',
      groups: 'OIDC_GROUPS',
      age: 'OIDC_AGE',
      none: 'OIDC_NONE',
      toString: 'OIDC_X',
    };
    const { url } = await startMiddleware(
      [make({ secret: SECRET, claims, userClaim: 'name' })],
      (request) => {
        seen = request;
        return answer('');
      },
    );
    const given = { name: 'Zoë', email: 'z@example.org', groups: ['a', 'b c'], age: 3 };
    expect((await ask(url, await makeToken(Buffer.from(SECRET), { claims: given }))).status).toBe(200);
    expect(seen!.identity).toEqual({ scheme: 'Bearer', user: 'Zo\xC3\xAB' });
    expect(seen!.variables).toEqual([
      ...['OIDC_EMAIL', 'z@example.org', 'OIDC_GROUPS', '["a","b c"]', 'OIDC_AGE', '3'],
    ]);
    expect(seen!.field('authorization')).toBeUndefined();
  });

  test('sees the token if it is to', async () => {
    const { url } = await startMiddleware([make({ secret: SECRET, passAuthorization: true })]);
    const headers = { Authorization: `bearer ${await makeToken(Buffer.from(SECRET))}` };
    const { seen } = await see(url, { headers });
    expect(seen.fields['authorization']).toBe(headers.Authorization);
    expect(seen.user).toBe('ada');
  });
});

describe('claims', () => {
  const secret = Buffer.from(SECRET);
  const now = Math.floor(Date.now() / 1000);

  test.each([
    ['expired', { exp: -6 }, {}, 401],
    ['expired, within the tolerance', { exp: -2 }, {}, 200],
    ['expired, with none', { exp: -2 }, { clockTolerance: 0 }, 401],
    ['without an end', { exp: undefined }, {}, 401],
    ['not valid yet', { claims: { nbf: now + 60 } }, {}, 401],
    ['not valid yet, within the tolerance', { claims: { nbf: now + 60 } }, { clockTolerance: '10m' }, 200],
    ['of the issuer', { claims: { iss: 'https://a' } }, { issuer: 'https://a' }, 200],
    ['of one of the issuers', { claims: { iss: 'https://b' } }, { issuer: ['https://a', 'https://b'] }, 200],
    ['of another issuer', { claims: { iss: 'https://a/' } }, { issuer: 'https://a' }, 401],
    ['of no issuer', {}, { issuer: 'https://a' }, 401],
    ['for us and others', { claims: { aud: ['x', 'us'] } }, { audience: 'us' }, 200],
    ['for others', { claims: { aud: 'x' } }, { audience: 'us' }, 401],
    ['for nobody', {}, { audience: ['us'] }, 401],
    ['without a claim that it needs', {}, { requiredClaims: ['jti'] }, 401],
    ['with it', { claims: { jti: '1' } }, { requiredClaims: ['jti'] }, 200],
    ['of nobody', { claims: { sub: undefined } }, {}, 401],
    ['of a number', { claims: { sub: 3 } }, {}, 401],
    ['of an empty name', { claims: { sub: '' } }, {}, 401],
    ['of a name with a NUL', { claims: { sub: 'ada\0' } }, {}, 401],
    ['of a name that is no Unicode', { claims: { sub: 'ada\uD800' } }, {}, 401],
    ['with a variable of two lines', { claims: { email: 'a\nb' } }, { claims: { email: 'EMAIL' } }, 401],
    ['whose name is in a prototype', { claims: {} }, { userClaim: 'toString' }, 401],
    ['signed otherwise', { alg: 'HS512' }, {}, 401],
    ['signed as it may be', { alg: 'HS512' }, { algorithms: ['HS512'] }, 200],
  ])('%s', async (_what, token, options, expected) => {
    expect(await status({ secret: SECRET, ...options } as Options, await makeToken(secret, token))).toBe(
      expected,
    );
  });
});

describe('a key file', () => {
  function write(text: string): string {
    const file = path.join(makeTempDir(), 'keys');
    writeFileSync(file, text);
    return file;
  }

  test('in PEM', async () => {
    const keyFile = write(first.pem);
    expect(await status({ keyFile }, await makeToken(first))).toBe(200);
    expect(await status({ keyFile }, await makeToken(second))).toBe(401);
  });

  test('of elliptic curves', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const keyFile = write(publicKey.export({ type: 'spki', format: 'pem' }).toString());
    expect(await status({ keyFile }, await makeToken({ kid: '', privateKey }, { alg: 'ES256' }))).toBe(200);
    expect(await status({ keyFile }, await makeToken(first))).toBe(401);
  });

  test('with a set that has keys that are none: a token that names one is not valid', async () => {
    const broken = { kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA', kid: 'broken', alg: 'ES256' };
    const keyFile = write(JSON.stringify({ keys: [first.jwk, broken] }));
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const token = await makeToken({ kid: 'broken', privateKey }, { alg: 'ES256' });
    expect(await status({ keyFile }, token)).toBe(401);
    expect(await status({ keyFile }, await makeToken(first))).toBe(200);
  });

  test('with a set, also for a token that does not name its key', async () => {
    const keyFile = write(JSON.stringify({ keys: [first.jwk, second.jwk] }));
    expect(await status({ keyFile }, await makeToken(second))).toBe(200);
    expect(await status({ keyFile }, await makeToken(second, { header: { kid: undefined } }))).toBe(200);
    expect(await status({ keyFile }, await makeToken(second, { header: { kid: 'first' } }))).toBe(401);
    const expired = await makeToken(second, { header: { kid: undefined }, exp: -60 });
    expect(await status({ keyFile }, expired)).toBe(401);
  });

  test.each([
    ['nothing', () => '', 'it is not JSON'],
    [
      'a private key',
      () => first.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      'not a public key',
    ],
    ['a small key', async () => (await makeKey('small', 1024)).pem, '1024 bits'],
    ['no set', () => '{}', 'malformed'],
    ['an empty set', () => '{"keys":[]}', 'no keys'],
  ])('with %s is refused', async (_what, text, message) => {
    const keyFile = write(await text());
    expect(() => bearer({ keyFile })).toThrow(ConfigError);
    expect(() => bearer({ keyFile })).toThrow(message);
  });
});

describe('keys at a URL', () => {
  const said: string[] = [];
  const note = (message: string): void => void said.push(message);
  const log: Log = { debug: note, info: note, warn: note, error: note };

  function makeLogged(jwksUrl: string): Middleware {
    said.length = 0;
    const middleware = bearer.create(
      { jwksUrl },
      { directory: '/', log, where: 'bearer', nameOf: (option) => option },
    );
    onTestFinished(() => middleware.close?.());
    return middleware;
  }

  test('are asked for once, however many tokens come', async () => {
    const issuer = await startKeyServer(first);
    const { url } = await startMiddleware([makeLogged(issuer.url)]);
    const token = await makeToken(first);
    const answers = await Promise.all(Array.from({ length: 10 }, () => ask(url, token)));
    expect(new Set(answers.map((response) => response.status))).toEqual(new Set([200]));
    expect(issuer.asked).toBe(1);
  });

  test('are asked for again for a new key, but not for each', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const issuer = await startKeyServer(first);
    const { url } = await startMiddleware([makeLogged(issuer.url)]);
    expect((await ask(url, await makeToken(first))).status).toBe(200);
    issuer.publish(first, second);
    const token = await makeToken(second);
    expect((await ask(url, token)).status).toBe(401);
    vi.advanceTimersByTime(10_001);
    expect((await ask(url, token)).status).toBe(200);
    expect(issuer.asked).toBe(2);
  });

  test('are refreshed while the old ones serve, and a key that is gone does not count any more', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const issuer = await startKeyServer(first);
    const { url } = await startMiddleware([makeLogged(issuer.url)]);
    const token = await makeToken(first);
    expect((await ask(url, token)).status).toBe(200);
    issuer.publish(second);
    vi.advanceTimersByTime(600_001);
    await vi.waitFor(async () => expect((await ask(url, token)).status).toBe(401));
    expect(issuer.asked).toBe(2);
  });

  test.each([
    [
      'an error',
      'its status is 500',
      (issuer: { answer: unknown }) =>
        (issuer.answer = (r: { writeHead(s: number): { end(): void } }) => r.writeHead(500).end()),
    ],
    [
      'a page',
      'it is not JSON',
      (issuer: { answer: unknown }) => (issuer.answer = (r: { end(t: string): void }) => r.end('<html>')),
    ],
    [
      'no keys',
      'it has no keys',
      (issuer: { answer: unknown }) =>
        (issuer.answer = (r: { end(t: string): void }) => r.end('{"keys":[]}')),
    ],
    [
      'a broken connection',
      'socket hang up',
      (issuer: { answer: unknown }) => (issuer.answer = (r: { destroy(): void }) => r.destroy()),
    ],
    [
      '256 KiB and more',
      'longer than',
      (issuer: { answer: unknown }) =>
        (issuer.answer = (r: { end(t: string): void }) => r.end(`{"keys":[],"x":"${'x'.repeat(300_000)}"}`)),
    ],
  ])('stay as they were if the issuer answers with %s', async (_what, message, harm) => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const issuer = await startKeyServer(first);
    const { url } = await startMiddleware([makeLogged(issuer.url)]);
    const token = await makeToken(first);
    expect((await ask(url, token)).status).toBe(200);
    harm(issuer);
    for (let i = 0; i < 3; i += 1) {
      vi.advanceTimersByTime(600_001);
      expect((await ask(url, token)).status).toBe(200);
      await vi.waitFor(() => expect(issuer.asked).toBeGreaterThanOrEqual(i + 2));
    }
    await vi.waitFor(() => expect(said).toEqual([expect.stringContaining(message)]));
  });

  test('without any, nobody is let in: 503', async () => {
    const issuer = await startKeyServer();
    const { url, log: records } = await startMiddleware([makeLogged(issuer.url)]);
    const response = await ask(url, await makeToken(first));
    expect(response.status).toBe(503);
    expect(records.map(({ message }) => message)).toEqual([expect.stringContaining('XGI_AUTH_KEYS')]);
  });
});

describe('is refused', () => {
  test.each([
    ['no keys', {}, 'expected one of jwksUrl, keyFile and secret, received none'],
    ['two kinds', { secret: SECRET, keyFile: 'x' }, 'received keyFile and secret'],
    ['a short secret', { secret: 'x'.repeat(31) }, 'at least 32 bytes'],
    ['none', { secret: SECRET, algorithms: ['none'] }, 'expected one of RS256'],
    ['no algorithms', { secret: SECRET, algorithms: [] }, 'a list'],
    [
      'HMAC with public keys',
      { jwksUrl: 'http://127.0.0.1:1/', algorithms: ['RS256', 'HS256'] },
      'algorithms[1]: expected an algorithm for public keys: one of RS256',
    ],
    [
      'RSA with a secret',
      { secret: SECRET, algorithms: ['RS256'] },
      'algorithms[0]: expected an algorithm for a secret: one of HS256, HS384, HS512, received "RS256"',
    ],
    ['a URL of another kind', { jwksUrl: 'file:///etc/passwd' }, 'a URL with http or https'],
    ['a URL with a password', { jwksUrl: 'http://a:b@c/' }, 'a URL with http or https'],
    ['a variable of xgi’s own', { secret: SECRET, claims: { sub: 'REMOTE_USER' } }, 'nor REMOTE_USER'],
    ['a variable that clients set', { secret: SECRET, claims: { a: 'HTTP_X' } }, 'the name of a variable'],
    ['a scope with a space', { secret: SECRET, scopes: ['a b'] }, 'a scope'],
  ])('%s', (_what, options, message) => {
    expect(() => bearer(options as Options)).toThrow(ConfigError);
    expect(() => bearer(options as Options)).toThrow(message);
  });
});
