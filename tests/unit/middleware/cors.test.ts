import { describe, expect, test } from 'vitest';
import { ConfigError } from '../../../src/errors.js';
import { cors } from '../../../src/middleware/cors.js';
import { answer } from '../../support/http-server.js';
import { startMiddleware } from '../../support/middleware-site.js';

type Options = Parameters<typeof cors>[0];

async function ask(options: Options, headers: Record<string, string>, method = 'GET') {
  const site = await startMiddleware([cors(options)], () =>
    answer('body', 200, ['Vary', 'Accept', 'Access-Control-Allow-Origin', 'https://evil.example']),
  );
  const response = await fetch(site.url, { method, headers });
  await response.arrayBuffer();
  return { status: response.status, fields: Object.fromEntries(response.headers), seen: site.seen };
}

const APP = 'https://app.example.org';

describe('origins', () => {
  test.each([
    [[APP], APP, APP],
    [[APP], 'https://app.example.org.evil.example', undefined],
    [[APP], 'http://app.example.org', undefined],
    [['https://*.example.org'], 'https://a.b.example.org', 'https://a.b.example.org'],
    [['https://*.example.org'], 'https://example.org', undefined],
    [['https://*.example.org'], 'https://.example.org', undefined],
    [['https://*.example.org'], 'https://evil.example/.example.org', undefined],
    [['https://*.example.org'], 'https://evil.example:1@a.example.org', undefined],
    [['*'], 'https://any.example', '*'],
    [[APP], 'null', undefined],
    [['null'], 'null', 'null'],
  ] as const)('%j: %s', async (origins, origin, allowed) => {
    const { fields } = await ask({ origins: [...origins] as [string] }, { Origin: origin });
    expect(fields['access-control-allow-origin']).toBe(allowed);
  });
});

test('the application does not decide', async () => {
  const { fields } = await ask({ origins: [APP] }, { Origin: 'https://evil.example' });
  expect(fields).not.toHaveProperty('access-control-allow-origin');
});

test('caches are told that answers differ by origin, also of requests without one', async () => {
  expect((await ask({ origins: [APP] }, {})).fields['vary']).toBe('Accept, Origin');
  expect((await ask({ origins: ['*'] }, {})).fields['vary']).toBe('Accept');
});

describe('a preflight', () => {
  const preflight = { 'Access-Control-Request-Method': 'PUT', 'Access-Control-Request-Headers': 'x-a, x-b' };

  test('is answered without the application', async () => {
    const options: Options = { origins: [APP], credentials: true, maxAge: '1h' };
    const { status, fields, seen } = await ask(options, { Origin: APP, ...preflight }, 'OPTIONS');
    expect(status).toBe(204);
    expect(fields).toMatchObject({
      'access-control-allow-origin': APP,
      'access-control-allow-credentials': 'true',
      'access-control-allow-methods': 'GET, HEAD, POST, PUT, PATCH, DELETE',
      'access-control-allow-headers': 'x-a, x-b',
      'access-control-max-age': '3600',
      vary: 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers',
    });
    expect(seen).toHaveLength(1);
  });

  test('with maxAge 0 it is asked for each time', async () => {
    const { fields } = await ask({ origins: [APP], maxAge: 0 }, { Origin: APP, ...preflight }, 'OPTIONS');
    expect(fields['access-control-max-age']).toBe('0');
  });

  test('names only what is configured', async () => {
    const options: Options = { origins: [APP], methods: ['GET'], headers: ['X-A'] };
    const { fields } = await ask(options, { Origin: APP, ...preflight }, 'OPTIONS');
    expect(fields).toMatchObject({
      'access-control-allow-methods': 'GET',
      'access-control-allow-headers': 'X-A',
    });
  });

  test('of another origin is told nothing', async () => {
    const { status, fields } = await ask(
      { origins: [APP] },
      { Origin: 'https://evil.example', ...preflight },
      'OPTIONS',
    );
    expect(status).toBe(204);
    expect(Object.keys(fields).filter((name) => name.startsWith('access-control'))).toEqual([]);
  });

  test('OPTIONS that is none goes on', async () => {
    expect((await ask({ origins: [APP] }, { Origin: APP }, 'OPTIONS')).status).toBe(200);
  });
});

test('fields that scripts may see', async () => {
  const { fields } = await ask({ origins: [APP], exposeHeaders: ['X-Total', 'ETag'] }, { Origin: APP });
  expect(fields['access-control-expose-headers']).toBe('X-Total, ETag');
});

test.each([
  [{}, 'expected a list of origins'],
  [{ origins: [] }, 'expected a list of origins'],
  [{ origins: ['example.org'] }, 'expected an origin'],
  [{ origins: ['https://example.org/'] }, 'expected an origin'],
  [
    { origins: ['*'], credentials: true },
    'cors.origins[0]: expected an origin that is trusted with cookies and passwords',
  ],
])('%j is refused', (options, message) => {
  expect(() => cors(options as never)).toThrow(ConfigError);
  expect(() => cors(options as never)).toThrow(message);
});
