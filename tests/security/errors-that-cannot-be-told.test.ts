/**
 * An application copies what a client has sent into its error (`Object.assign(new Error(), await request.json())`), and the client has sent a `stack` that
 * is a number, or a `message` that is an object: to tell such an error threw another one, where nobody caught it, and the gateway ended with all that it
 * served. What is thrown may be anything.
 */
import { describe, expect, test } from 'vitest';
import { asXgiError, GatewayError, messageOf, statusOfError } from '../../src/errors.js';
import { createAppHandler } from '../../src/handlers/app/app.js';
import { packError } from '../../src/handlers/app/threads/messages.js';
import { ResponseHead } from '../../src/http/response-head.js';
import { cache } from '../../src/middleware/cache.js';
import { errorPages } from '../../src/middleware/error-pages.js';
import type { Middleware } from '../../src/types.js';
import { startServer } from '../support/http-server.js';

const fails = (): never => {
  throw new Error('it cannot be read');
};

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

const THROWN: Readonly<Record<string, () => unknown>> = {
  'a stack that is a number': () => Object.assign(new Error('x'), { stack: 5 }),
  'a stack that is null': () => Object.assign(new Error('x'), { stack: null }),
  'a message that is an object': () => Object.assign(new Error('x'), { message: { a: 1 }, stack: undefined }),
  'a message that is no text': () =>
    Object.assign(new Error('x'), { message: Object.create(null) as unknown }),
  'a name that is a symbol': () => Object.assign(new Error('x'), { name: Symbol('n') }),
  'one of ours with a message that is a symbol': () =>
    Object.assign(new GatewayError(500, 'XGI_TEST', 'x'), { message: Symbol('m') }),
  'one of ours with a detail that is none': () =>
    Object.assign(new GatewayError(500, 'XGI_TEST', 'x'), { detail: [] }),
  'a stack that throws': () => Object.defineProperty(new Error('x'), 'stack', { get: fails }),
  'a message that throws': () => Object.defineProperty(new Error('x'), 'message', { get: fails }),
  'a proxy whose prototype throws': () => new Proxy({}, { getPrototypeOf: fails }),
  'a proxy that has been revoked': revoked,
};

const page = { head: new ResponseHead(500), body: { kind: 'bytes', bytes: 'page' } } as const;

const IN_FRONT: Readonly<Record<string, Middleware>> = {
  'nothing in front': (next) => next,
  errorPages: errorPages({ pages: { '5xx': () => page } }),
  'errorPages that fails': (next) => errorPages({ pages: { '5xx': (request) => next(request) } })(next),
  cache: cache({ staleIfError: '1m' }),
};

describe.each(Object.entries(THROWN))('%s', (_, thrown) => {
  test.each(Object.entries(IN_FRONT))('is answered, with %s', async (_name, middleware) => {
    const application = createAppHandler(
      {
        fetch: (request: Request) => {
          if (request.url.endsWith('/ok')) return new Response('ok');
          if (request.url.endsWith('/now')) throw thrown();
          return Promise.reject(thrown() as Error);
        },
      },
      'app',
    );
    const { url, log } = await startServer(middleware(application));
    for (const path of ['/now', '/later']) {
      const { status } = await fetch(url + path);
      expect(status).toBe(500);
    }
    expect(await (await fetch(`${url}/ok`)).text()).toBe('ok');
    expect(log.filter(({ level }) => level === 'error').length).toBeGreaterThanOrEqual(2);
  });

  test('is told in words, also by a thread', () => {
    const { code, message, detail = '' } = asXgiError(thrown());
    expect([code, message, detail].map((text) => typeof text)).toEqual(['string', 'string', 'string']);
    expect(() => structuredClone(packError(thrown()))).not.toThrow();
    expect(typeof messageOf(thrown())).toBe('string');
    expect(statusOfError(thrown())).toBe(500);
  });
});
