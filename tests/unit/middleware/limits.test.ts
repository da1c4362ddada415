import { describe, expect, test } from 'vitest';
import { iterableBody } from '../../../src/bodies/iterable-body.js';
import { ConfigError } from '../../../src/errors.js';
import { ResponseHead } from '../../../src/http/response-head.js';
import { limits } from '../../../src/middleware/limits.js';
import type { GatewayResponse } from '../../../src/types.js';
import { answer } from '../../support/http-server.js';
import { startMiddleware, tell } from '../../support/middleware-site.js';
import { pollUntil } from '../../support/poll.js';

/** A body whose length the client does not say. */
function chunked(text: string): RequestInit {
  return { method: 'POST', body: new Blob([text]).stream(), duplex: 'half' } as RequestInit;
}

describe('body', () => {
  test.each([
    ['of that length', { method: 'POST', body: 'a'.repeat(1024) }, 200],
    ['that says it is longer', { method: 'POST', body: 'a'.repeat(1025) }, 413],
    ['in chunks', chunked('a'.repeat(1024)), 200],
    ['in chunks, that is longer', chunked('a'.repeat(70_000)), 413],
    ['none', { method: 'POST' }, 200],
  ])('%s gets %d', async (_what, init, status) => {
    const { url } = await startMiddleware([limits({ body: '1kb' })]);
    expect((await fetch(url, init)).status).toBe(status);
  });

  test('0 is none at all', async () => {
    const { url } = await startMiddleware([limits({ body: 0 })]);
    expect((await fetch(url, { method: 'POST', body: 'a' })).status).toBe(413);
    expect((await fetch(url)).status).toBe(200);
  });
});

describe('time', () => {
  test('an answer in time is as it is', async () => {
    const { url } = await startMiddleware([limits({ time: '5s' })]);
    expect((await fetch(url)).status).toBe(200);
  });

  test('one that is late is a 504, and the application is told that nobody waits', async () => {
    let aborted = false;
    const { url } = await startMiddleware(
      [limits({ time: '100ms' })],
      (request) => new Promise<never>(() => request.onAbort(() => (aborted = true))),
    );
    const response = await fetch(url);
    expect(response.status).toBe(504);
    expect(aborted).toBe(true);
  });

  test('what comes then is let go of', async () => {
    let late: ((response: GatewayResponse) => void) | undefined;
    let ended = false;
    const { url } = await startMiddleware(
      [limits({ time: '50ms' })],
      () => new Promise<GatewayResponse>((resolve) => (late = resolve)),
    );
    expect((await fetch(url)).status).toBe(504);
    const chunks = (function* () {
      yield Buffer.from('never read');
    })();
    const { return: end } = chunks;
    chunks.return = (value) => {
      ended = true;
      return end.call(chunks, value);
    };
    late!({ head: new ResponseHead(200), body: iterableBody(chunks) });
    await pollUntil(() => ended, { what: 'the late answer to be let go of' });
  });

  test('does not cut an answer that has begun', async () => {
    const { url } = await startMiddleware([limits({ time: '50ms' })], () => ({
      head: new ResponseHead(200),
      body: iterableBody(
        (async function* () {
          yield Buffer.from('a');
          // Beyond the limit, which is what is tested.
          await new Promise((resolve) => setTimeout(resolve, 120));
          yield Buffer.from('b');
        })(),
      ),
    }));
    expect(await (await fetch(url)).text()).toBe('ab');
  });

  test('a client that leaves is told of, once', async () => {
    let aborts = 0;
    let reached = false;
    const { url } = await startMiddleware([limits({ time: '1s' })], (request) => {
      reached = true;
      request.onAbort(() => (aborts += 1));
      return new Promise<never>(() => {});
    });
    const leaving = new AbortController();
    const asked = fetch(url, { signal: leaving.signal }).catch(() => 'left');
    await pollUntil(() => reached, { what: 'the request' });
    leaving.abort();
    expect(await asked).toBe('left');
    await pollUntil(() => aborts === 1, { what: 'the handler to be told' });
    // Beyond the limit, which would tell it again.
    await new Promise((resolve) => setTimeout(resolve, 1100));
    expect(aborts).toBe(1);
  });
});

test('errors of the application stay what they are', async () => {
  const { url } = await startMiddleware([limits({ time: '1s', body: '1kb' })], async (request) => {
    await tell(request);
    return answer('no', 418);
  });
  expect((await fetch(url)).status).toBe(418);
});

test.each([
  [{}, 'limits: expected body or time, received neither'],
  [{ body: '1 kilo' }, 'limits.body: expected bytes'],
  [{ time: 0 }, 'limits.time: expected seconds'],
])('%j is refused', (options, message) => {
  expect(() => limits(options as never)).toThrow(ConfigError);
  expect(() => limits(options as never)).toThrow(message);
});
