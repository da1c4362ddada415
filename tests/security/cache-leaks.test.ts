/**
 * Cache deception and leaks: what an application has made for one user is kept and given to another. The application says nothing of caching, or
 * the wrong thing; its sessions are in cookies.
 */
import { expect, test } from 'vitest';
import { GatewayError } from '../../src/errors.js';
import { cache } from '../../src/middleware/cache.js';
import type { Handler } from '../../src/types.js';
import { answer, startServer } from '../support/http-server.js';
import { pollUntil } from '../support/poll.js';

const SECRETS = ['cookie', 'authorization', 'x-api-key', 'apikey', 'x-auth-token', 'x-remote-user'];

const account =
  (fields: readonly string[]): Handler =>
  (request) =>
    answer(`account of ${SECRETS.map((name) => request.field(name)).find(Boolean) ?? 'nobody'}`, 200, fields);

const ask = async (url: string, headers: Record<string, string> = {}): Promise<string> =>
  await (await fetch(url, { headers })).text();

test.each<[string, readonly string[], Record<string, string>]>([
  ['of a session, with defaultTtl', [], { Cookie: 'session=ada' }],
  ['of a key, with defaultTtl', [], { 'X-Api-Key': 'ada' }],
  ['of a key, with max-age', ['Cache-Control', 'max-age=60'], { ApiKey: 'ada' }],
  ['of a token, with defaultTtl', [], { 'X-Auth-Token': 'ada' }],
  ['of a user whom a proxy names, with defaultTtl', [], { 'X-Remote-User': 'ada' }],
  ['of a password, with defaultTtl', [], { Authorization: 'Basic YWRhOmE=' }],
  ['of a password, with max-age', ['Cache-Control', 'max-age=60'], { Authorization: 'Basic YWRhOmE=' }],
  ['that begins a session', ['Cache-Control', 'public, max-age=60', 'Set-Cookie', 'session=ada'], {}],
])('an answer %s', async (_what, fields, headers) => {
  let calls = 0;
  const { url } = await startServer(
    cache({ defaultTtl: '1m' })((request) => {
      calls += 1;
      return account(fields)(request);
    }),
  );
  // A path that looks like a file: the deception.
  const page = `${url}/account/style.css`;
  await ask(page, headers);
  expect(await ask(page)).toBe('account of nobody');
  expect(await ask(page, headers)).toBe(await ask(`${page}?other`, headers));
  expect(calls).toBe(4);
});

test('a cookie of a confirmation reaches nobody', async () => {
  let calls = 0;
  const { url } = await startServer(
    cache({})(() => {
      calls += 1;
      if (calls === 1) return answer('page', 200, ['Cache-Control', 'max-age=1', 'ETag', '"1"']);
      return answer('', 304, ['Cache-Control', 'max-age=60', 'Set-Cookie', 'session=ada']);
    }),
  );
  await ask(url);
  // The time is what is tested.
  await new Promise((resolve) => setTimeout(resolve, 1050));
  for (let i = 0; i < 2; i++) {
    const response = await fetch(url);
    expect(response.headers.get('set-cookie')).toBeNull();
    expect(await response.text()).toBe('page');
  }
  expect(calls).toBe(2);
});

test('fields of browsers that sound like it do not keep an answer from being kept', async () => {
  let calls = 0;
  const { url } = await startServer(
    cache({ defaultTtl: '1m' })(() => {
      calls += 1;
      return answer('page');
    }),
  );
  for (let i = 0; i < 2; i++)
    await ask(url, { 'Sec-Fetch-User': '?1', Origin: 'http://a', 'User-Agent': 'token' });
  expect(calls).toBe(1);
});

test.each([401, 403, 404, 410])(
  'what a thrown %i keeps from its client is not given as stale',
  async (status) => {
    let calls = 0;
    const { url } = await startServer(
      cache({ staleIfError: '1h' })(() => {
        calls += 1;
        if (calls > 1) throw new GatewayError(status, 'XGI_TEST', 'not any more');
        // Stale when it comes, but for a moment.
        return answer('secret', 200, ['Cache-Control', 'max-age=1']);
      }),
    );
    expect(await ask(url)).toBe('secret');
    await pollUntil(async () => (await fetch(url)).status === status);
    // And it is gone.
    expect((await fetch(url, { headers: { 'Cache-Control': 'only-if-cached' } })).status).toBe(504);
  },
);
