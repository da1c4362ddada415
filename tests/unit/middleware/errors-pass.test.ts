/** An error passes all middleware on its way to the server: what they have to say is in its answer, too. */
import { describe, expect, test } from 'vitest';
import { GatewayError } from '../../../src/errors.js';
import { cors } from '../../../src/middleware/cors.js';
import { headers } from '../../../src/middleware/headers.js';
import { rateLimit } from '../../../src/middleware/rate-limit.js';
import { requestId } from '../../../src/middleware/request-id.js';
import type { GatewayResponse, Middleware } from '../../../src/types.js';
import { answer } from '../../support/http-server.js';
import { startMiddleware } from '../../support/middleware-site.js';

const ORIGIN = 'https://app.example.org';
const ALL = [
  requestId(),
  headers({ security: true, add: { 'X-Site': 'one' } }),
  cors({ origins: [ORIGIN] }),
  rateLimit({ limit: 100 }),
];

const notFound = new GatewayError(404, 'XGI_TEST', 'nothing here', { fields: ['X-Own', 'kept'] });

const FAILING: readonly [string, () => GatewayResponse | Promise<GatewayResponse>, number][] = [
  [
    'thrown',
    () => {
      throw notFound;
    },
    404,
  ],
  ['a rejection', async () => await Promise.reject(notFound), 404],
  ['no error of ours', async () => await Promise.reject(new TypeError('a defect')), 500],
  ['no error at all', async () => await Promise.reject(undefined), 500],
];

describe.each(FAILING)('%s', (_, fail, status) => {
  test('the fields of middleware are in the answer, once', async () => {
    const { url } = await startMiddleware(ALL, fail);
    for (let i = 0; i < 2; i++) {
      const response = await fetch(url, { headers: { origin: ORIGIN } });
      expect(response.status).toBe(status);
      expect(response.headers.get('x-own')).toBe(status === 404 ? 'kept' : null);
      expect(response.headers.get('x-site')).toBe('one');
      expect(response.headers.get('x-content-type-options')).toBe('nosniff');
      expect(response.headers.get('referrer-policy')).not.toBeNull();
      expect(response.headers.get('access-control-allow-origin')).toBe(ORIGIN);
      expect(response.headers.get('ratelimit')).toMatch(/^"address-\d+-60s";r=\d+;t=\d+$/);
      expect(response.headers.get('x-request-id')).toMatch(/^[\w-]+$/);
    }
  });
});

test('one error of several requests at a time', async () => {
  let release!: () => void;
  const failure = new Promise<never>((_, reject) => {
    release = () => reject(notFound);
  });
  let waiting = 0;
  const { url } = await startMiddleware([requestId()], () => {
    if (++waiting === 3) release();
    return failure;
  });
  const ids = await Promise.all(
    [1, 2, 3].map(async () => (await fetch(url)).headers.get('x-request-id') ?? ''),
  );
  expect(new Set(ids).size).toBe(3);
  for (const id of ids) expect(id).toMatch(/^[\w-]+$/);
});

test('an error that is caught leaves nothing in the answer to another', async () => {
  const again: Middleware = (next) => async (request) => {
    try {
      return await next(request);
    } catch {
      return await next(request);
    }
  };
  let calls = 0;
  const { url } = await startMiddleware([again, headers({ add: { 'X-Site': 'one' } })], () => {
    if (++calls % 2 === 1) throw new TypeError('first');
    throw new TypeError('second');
  });
  expect((await fetch(url)).headers.get('x-site')).toBe('one');
});

test('an error that is answered by middleware has only the fields of those in front of it', async () => {
  const caught: Middleware = (next) => async (request) => {
    try {
      return await next(request);
    } catch {
      return answer('sorry', 200);
    }
  };
  const { url } = await startMiddleware(
    [headers({ add: { 'X-Outer': 'a' } }), caught, headers({ add: { 'X-Inner': 'b' } })],
    () => {
      throw notFound;
    },
  );
  const response = await fetch(url);
  expect(await response.text()).toBe('sorry');
  expect(response.headers.get('x-outer')).toBe('a');
  expect(response.headers.get('x-inner')).toBeNull();
});
