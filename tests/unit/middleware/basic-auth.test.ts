import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import bcrypt from 'bcryptjs';
import { describe, expect, test, vi } from 'vitest';
import { ConfigError } from '../../../src/errors.js';
import { basicAuth } from '../../../src/middleware/basic-auth.js';
import { RawClient } from '../../support/http-client.js';
import { see, startMiddleware } from '../../support/middleware-site.js';
import { makeTempDir } from '../../support/temp-dir.js';

const sha = (password: string): string => `{SHA}${createHash('sha1').update(password).digest('base64')}`;
const encode = (text: string | Buffer): string => `Basic ${Buffer.from(text).toString('base64')}`;

const USERS = {
  ada: bcrypt.hashSync('correct horse', 4),
  bob: '$apr1$abcdefgh$rRdIxwY5XRHT4TMtBPZn.0',
  'zoë Ω': sha('pass:wörd'),
};

async function ask(url: string, authorization?: string): Promise<Response> {
  return await fetch(url, authorization === undefined ? {} : { headers: { Authorization: authorization } });
}

test('without a password, it asks for one', async () => {
  const { url } = await startMiddleware([basicAuth({ users: USERS, realm: 'The "back" room' })]);
  const response = await ask(url);
  expect(response.status).toBe(401);
  expect(response.headers.get('www-authenticate')).toBe('Basic realm="The \\"back\\" room", charset="UTF-8"');
  expect(response.headers.get('cache-control')).toBe('no-store');
});

test.each([
  ['ada:correct horse', 'ada'],
  ['bob:pässword', 'bob'],
  ['zoë Ω:pass:wörd', 'zoë Ω'],
  // In normal form D.
  ['zoe\u0308 \u03A9:pass:wo\u0308rd', 'zoë Ω'],
  // The sign of the unit is canonically the letter.
  ['zoë \u2126:pass:wörd', 'zoë Ω'],
])('%j is let in', async (credentials, name) => {
  const { url } = await startMiddleware([basicAuth({ users: USERS })]);
  const headers = { Authorization: encode(credentials) };
  for (let i = 0; i < 2; i += 1) {
    const { seen } = await see(url, { headers });
    // The site writes byte text as bytes, and fetch reads UTF-8.
    expect(seen.user).toBe(name);
    expect(seen.fields['authorization']).toBeUndefined();
  }
});

test('passAuthorization lets the application see the field', async () => {
  const { url } = await startMiddleware([basicAuth({ users: USERS, passAuthorization: true })]);
  const authorization = encode('ada:correct horse').replace('Basic', 'bASIC');
  const { seen } = await see(url, { headers: { Authorization: authorization } });
  expect(seen.fields['authorization']).toBe(authorization);
});

test.each([
  ['a wrong password', encode('ada:wrong')],
  ['another user’s password', encode('ada:pässword')],
  ['an unknown name', encode('eve:correct horse')],
  ['the name in another case', encode('Ada:correct horse')],
  ['a name in full-width letters', encode('ａｄａ:correct horse')],
  ['an empty password', encode('ada:')],
  ['an empty name', encode(':correct horse')],
  ['no colon', encode('ada')],
  ['NUL behind the password', encode('ada:correct horse\0')],
  [
    'a password repeated with NUL between, which has the same bcrypt hash',
    encode('ada:correct horse\0correct horse'),
  ],
  ['a line feed behind the name', encode('ada\n:correct horse')],
  ['bytes that are no UTF-8', encode(Buffer.from('zo\xEB \xA9:x', 'latin1'))],
  ['no base64', 'Basic a!a'],
  ['base64 with something behind it', `${encode('ada:correct horse')} x`],
  ['base64 for URLs', 'Basic YWRhOi1_'],
  ['nothing behind the scheme', 'Basic'],
  ['another scheme', `Bearer ${encode('ada:correct horse').slice(6)}`],
  ['a scheme that begins like it', `Basically ${encode('ada:correct horse').slice(6)}`],
  ['a huge password', encode(`ada:${'x'.repeat(5000)}`)],
  ['a name from a prototype', encode('__proto__:x')],
  ['another name from a prototype', encode('constructor:x')],
])('%s is not', async (_what, authorization) => {
  const { url, seen } = await startMiddleware([basicAuth({ users: USERS })]);
  const response = await ask(url, authorization);
  expect(response.status).toBe(401);
  expect(response.headers.get('www-authenticate')).toBe('Basic realm="Restricted", charset="UTF-8"');
  expect(seen).toHaveLength(1);
});

test('several Authorization fields are a bad request', async () => {
  const { port } = await startMiddleware([basicAuth({ users: USERS })]);
  const client = await RawClient.connect(port);
  const field = `Authorization: ${encode('ada:correct horse')}\r\n`;
  const { status, body } = await client.send(`GET / HTTP/1.1\r\nHost: a\r\n${field}${field}\r\n`).response();
  expect(status).toBe(400);
  expect(body).toContain('XGI_AUTH_FIELD');
});

describe('attempts', () => {
  test('after some wrong ones, a client waits; who is known already does not', async () => {
    const { url } = await startMiddleware([basicAuth({ users: USERS, attempts: 3 })], undefined, {
      trusted: '127.0.0.1',
    });
    const from = async (address: string, credentials: string): Promise<Response> =>
      await fetch(url, { headers: { Authorization: encode(credentials), 'X-Forwarded-For': address } });
    expect((await from('192.0.2.1', 'ada:correct horse')).status).toBe(200);
    const statuses = await Promise.all([1, 2, 3, 4, 5].map((i) => from('192.0.2.1', `ada:wrong${i}`)));
    expect(statuses.map(({ status }) => status)).toEqual([401, 401, 401, 429, 429]);
    const right = await from('192.0.2.1', 'bob:pässword');
    expect(right.status).toBe(429);
    expect(Number(right.headers.get('retry-after'))).toBeGreaterThan(10);
    expect((await from('192.0.2.1', 'ada:correct horse')).status).toBe(200);
    expect((await from('192.0.2.2', 'bob:pässword')).status).toBe(200);
    // Known by now, wherever it comes from.
    expect((await from('192.0.2.1', 'bob:pässword')).status).toBe(200);
  });

  test('right ones are not counted, and the same ones at once are one', async () => {
    const { url } = await startMiddleware([basicAuth({ users: USERS, attempts: 1 })]);
    const same = await Promise.all(Array.from({ length: 20 }, () => ask(url, encode('ada:correct horse'))));
    expect(new Set(same.map(({ status }) => status))).toEqual(new Set([200]));
    expect((await ask(url, encode('bob:pässword'))).status).toBe(200);
    const slow = await startMiddleware([
      basicAuth({ users: { ada: bcrypt.hashSync('correct horse', 9) }, attempts: 1 }),
    ]);
    const wrong = await Promise.all(Array.from({ length: 5 }, () => ask(slow.url, encode('ada:wrong'))));
    expect(new Set(wrong.map(({ status }) => status))).toEqual(new Set([401]));
    expect((await ask(slow.url, encode('ada:wrong2'))).status).toBe(429);
  });

  test('0 is no limit', async () => {
    const { url } = await startMiddleware([basicAuth({ users: USERS, attempts: 0 })]);
    for (let i = 0; i < 15; i += 1) expect((await ask(url, encode(`ada:wrong${i}`))).status).toBe(401);
  });
});

test('more checks than can wait are a 503, and are not counted as attempts', async () => {
  const slow = { ada: bcrypt.hashSync('correct horse', 8) };
  const { url } = await startMiddleware([basicAuth({ users: slow, attempts: 0 })]);
  const answers = await Promise.all(Array.from({ length: 120 }, (_, i) => ask(url, encode(`ada:wrong${i}`))));
  const counts = new Map<number, number>();
  for (const { status } of answers) counts.set(status, (counts.get(status) ?? 0) + 1);
  expect([...counts.keys()].toSorted()).toEqual([401, 503]);
  expect(counts.get(401)).toBeGreaterThanOrEqual(65);
  expect((await ask(url, encode('ada:correct horse'))).status).toBe(200);
});

describe('a file', () => {
  test('that changes takes effect within a second, on what is remembered, too', async () => {
    const file = path.join(makeTempDir(), 'htpasswd');
    writeFileSync(file, `ada:${sha('one')}\nbob:${sha('bob')}\n`);
    const { url } = await startMiddleware([basicAuth({ file })]);
    expect((await ask(url, encode('ada:one'))).status).toBe(200);
    writeFileSync(file, `ada:${sha('two')}\n`);
    await vi.waitFor(async () => expect((await ask(url, encode('ada:one'))).status).toBe(401), {
      timeout: 10_000,
    });
    expect((await ask(url, encode('ada:two'))).status).toBe(200);
    expect((await ask(url, encode('bob:bob'))).status).toBe(401);
    writeFileSync(file, `ada:two\n`);
    // Longer than a second, after which the file is read again.
    await new Promise((resolve) => setTimeout(resolve, 1100));
    expect((await ask(url, encode('ada:two'))).status).toBe(200);
  });
});

test('two of them know nothing of each other', async () => {
  const inner = basicAuth({ users: { ada: sha('inner') } });
  const outer = basicAuth({ users: { ada: sha('outer') } });
  const first = await startMiddleware([outer]);
  const second = await startMiddleware([inner]);
  expect((await ask(first.url, encode('ada:outer'))).status).toBe(200);
  expect((await ask(second.url, encode('ada:outer'))).status).toBe(401);
});

describe('is refused', () => {
  test.each([
    ['neither file nor users', {}, 'expected either file or users, received neither'],
    ['both', { file: 'x', users: USERS }, 'received both'],
    ['users without any', { users: {} }, 'basicAuth.users: expected an object: names of users'],
    ['a file that is not there', { file: '/nowhere/htpasswd' }, 'there is no such file'],
    [
      'a plain password',
      { users: { ada: 'hunter2' } },
      'the user "ada": expected a hash of bcrypt, apr1 or {SHA}, found a plain',
    ],
    ['a name with a colon', { users: { 'a:b': sha('x') } }, 'without colons'],
    [
      'a realm with a line end',
      { users: USERS, realm: 'a\r\nb' },
      'basicAuth.realm: expected the name of what is protected',
    ],
    ['a slip', { user: {} }, 'there is no option user'],
  ])('%s', (_what, options, message) => {
    const make = (): unknown => basicAuth(options as Parameters<typeof basicAuth>[0]);
    expect(make).toThrow(ConfigError);
    expect(make).toThrow(message);
    expect(make).not.toThrow('hunter2');
  });
});
