import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ConfigError } from '../../../src/errors.js';
import { rateLimit } from '../../../src/middleware/rate-limit.js';
import { deriveRequest } from '../../../src/http/derived-request.js';
import type { GatewayResponse } from '../../../src/types.js';
import { answer } from '../../support/http-server.js';
import { startMiddleware, tell } from '../../support/middleware-site.js';

type Options = Parameters<typeof rateLimit>[0];

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
});

afterEach(() => {
  vi.useRealTimers();
});

async function start(options: Options) {
  const { url } = await startMiddleware([rateLimit(options)], tell, { trusted: '127.0.0.1' });
  const ask = async (address = '192.0.2.1', headers: Record<string, string> = {}): Promise<Response> => {
    const response = await fetch(url, { headers: { 'X-Forwarded-For': address, ...headers } });
    await response.arrayBuffer();
    return response;
  };
  return { ask };
}

async function countGranted(ask: () => Promise<Response>, of: number): Promise<number> {
  let granted = 0;
  for (let i = 0; i < of; i += 1) if ((await ask()).status === 200) granted += 1;
  return granted;
}

test('so many at once, then one each time that a part of the window has gone by', async () => {
  const { ask } = await start({ limit: 10, window: '10s' });
  expect(await countGranted(ask, 15)).toBe(10);
  vi.advanceTimersByTime(999);
  expect(await countGranted(ask, 3)).toBe(0);
  vi.advanceTimersByTime(2);
  expect(await countGranted(ask, 3)).toBe(1);
  vi.advanceTimersByTime(5000);
  expect(await countGranted(ask, 10)).toBe(5);
  vi.advanceTimersByTime(60_000);
  expect(await countGranted(ask, 15)).toBe(10);
});

test('what is left, and when to come again', async () => {
  const { ask } = await start({ limit: 3, window: '30s' });
  const fields = async (): Promise<unknown[]> => {
    const { status, headers } = await ask();
    return [status, headers.get('ratelimit'), headers.get('retry-after')];
  };
  expect(await fields()).toEqual([200, '"address-3-30s";r=2;t=10', null]);
  expect(await fields()).toEqual([200, '"address-3-30s";r=1;t=20', null]);
  expect(await fields()).toEqual([200, '"address-3-30s";r=0;t=30', null]);
  expect(await fields()).toEqual([429, '"address-3-30s";r=0;t=30', '10']);
  vi.advanceTimersByTime(4000);
  expect(await fields()).toEqual([429, '"address-3-30s";r=0;t=26', '6']);
  expect((await ask()).headers.get('ratelimit-policy')).toBe('"address-3-30s";q=3;w=30');
});

test('of several limits, and of the application, the fields tell each', async () => {
  const application = (): GatewayResponse =>
    answer('', 200, ['RateLimit-Policy', '"own";q=9;w=1', 'RateLimit', '"own";r=9;t=1']);
  const { url } = await startMiddleware(
    [rateLimit({ limit: 100, window: '10s' }), rateLimit({ limit: 1, by: { field: 'X-Tenant' } })],
    application,
  );
  const fields = async (): Promise<unknown[]> => {
    const { status, headers } = await fetch(url);
    return [status, headers.get('ratelimit-policy'), headers.get('ratelimit')];
  };
  const ours = '"x-tenant-1-60s";q=1;w=60, "address-100-10s";q=100;w=10';
  expect(await fields()).toEqual([
    200,
    `"own";q=9;w=1, ${ours}`,
    '"own";r=9;t=1, "x-tenant-1-60s";r=0;t=60, "address-100-10s";r=99;t=1',
  ]);
  // Who is refused by one of them is not told what is left of the other alone.
  expect(await fields()).toEqual([429, ours, '"x-tenant-1-60s";r=0;t=60, "address-100-10s";r=98;t=1']);
});

describe('whose requests are counted together', () => {
  test.each([
    ['192.0.2.1', '192.0.2.2', 200],
    ['192.0.2.1', '::ffff:192.0.2.1', 429],
    ['2001:db8:1:2::7', '2001:db8:1:2:ffff:1:2:3', 429],
    ['2001:db8:1:2::7', '2001:db8:1:3::7', 200],
    ['2001:db8::1', '2001:0db8:0:0:9::1', 429],
  ])('%s and %s', async (one, other, status) => {
    const { ask } = await start({ limit: 1 });
    expect((await ask(one)).status).toBe(200);
    expect((await ask(other)).status).toBe(status);
  });

  test('by a field: each tenant has its own', async () => {
    const { ask } = await start({ limit: 1, by: { field: 'X-Tenant' } });
    expect((await ask('192.0.2.1', { 'X-Tenant': 'a' })).status).toBe(200);
    expect((await ask('192.0.2.2', { 'X-Tenant': 'a' })).status).toBe(429);
    expect((await ask('192.0.2.1', { 'X-Tenant': 'b' })).status).toBe(200);
  });

  test('by user; who is none, by address', async () => {
    const identify = (next: typeof tell) => (request: Parameters<typeof tell>[0]) => {
      const user = request.field('x-user');
      return next(
        user === undefined ? request : deriveRequest(request, { identity: { scheme: 'Basic', user } }),
      );
    };
    const limited = rateLimit({ limit: 1, by: 'user' });
    const { url } = await startMiddleware([(next) => identify(next as never), limited]);
    const ask = async (headers: Record<string, string>): Promise<number> =>
      (await fetch(url, { headers })).status;
    expect(await ask({ 'X-User': 'ann' })).toBe(200);
    expect(await ask({ 'X-User': 'ann' })).toBe(429);
    expect(await ask({ 'X-User': 'bob' })).toBe(200);
    expect(await ask({})).toBe(200);
    expect(await ask({})).toBe(429);
    expect(await ask({ 'X-User': '127.0.0.1' })).toBe(200);
  });
});

test.each([
  [{}, 'rateLimit.limit: expected a whole number'],
  [{ limit: 0 }, 'rateLimit.limit: expected a whole number'],
  [{ limit: 1, by: 'name' }, 'rateLimit.by: expected'],
  [{ limit: 1, by: { field: 'a b' } }, 'rateLimit.by.field: expected the name of a header field'],
  [{ limit: 1, window: 0 }, 'rateLimit.window: expected seconds'],
])('%j is refused', (options, message) => {
  expect(() => rateLimit(options as never)).toThrow(ConfigError);
  expect(() => rateLimit(options as never)).toThrow(message);
});
