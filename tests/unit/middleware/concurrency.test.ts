import { expect, test } from 'vitest';
import { iterableBody } from '../../../src/bodies/iterable-body.js';
import { ConfigError } from '../../../src/errors.js';
import { ResponseHead } from '../../../src/http/response-head.js';
import { concurrency } from '../../../src/middleware/concurrency.js';
import { limits } from '../../../src/middleware/limits.js';
import type { GatewayResponse, Middleware } from '../../../src/types.js';
import { answer } from '../../support/http-server.js';
import { RawClient } from '../../support/http-client.js';
import { startMiddleware } from '../../support/middleware-site.js';
import { pollUntil } from '../../support/poll.js';

type Options = Parameters<typeof concurrency>[0];

/** A site whose answers wait until they are let go. */
async function startWaiting(options: Options) {
  const waiting: (() => void)[] = [];
  let most = 0;
  let running = 0;
  const site = await startMiddleware([concurrency(options)], () => {
    running += 1;
    most = Math.max(most, running);
    return new Promise<GatewayResponse>((resolve) =>
      waiting.push(() => {
        running -= 1;
        resolve(answer('done'));
      }),
    );
  });
  return { ...site, waiting, most: () => most };
}

/** Sends a request, and goes when it has arrived. */
async function leave(port: number, how: string, arrived: () => boolean): Promise<void> {
  const client = await RawClient.connect(port);
  client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await pollUntil(arrived, { what: 'its request' });
  if (how === 'a FIN') client.socket.destroy();
  else client.reset();
}

test('so many at a time; the others wait, first come first served', async () => {
  const { url, waiting, most } = await startWaiting({ max: 2 });
  const answers = Array.from({ length: 6 }, () => fetch(url));
  for (let i = 0; i < 6; i += 1) {
    await pollUntil(() => waiting.length > i, { what: `request ${i}` });
    waiting[i]!();
  }
  for (const response of await Promise.all(answers)) expect(response.status).toBe(200);
  expect(most()).toBe(2);
});

test('503 for who finds the queue full, or waits too long', async () => {
  const { url, waiting } = await startWaiting({ max: 1, queue: 1, wait: '300ms' });
  const first = fetch(url);
  await pollUntil(() => waiting.length === 1, { what: 'the first' });
  const second = fetch(url);
  // Which of the two waits is theirs to find out; one does not.
  const third = fetch(url);
  for (const refused of [await second, await third]) {
    expect(refused.status).toBe(503);
    expect(refused.headers.get('retry-after')).toBe('1');
  }
  waiting[0]!();
  expect((await first).status).toBe(200);
});

test('with wait 0 they wait without an end', async () => {
  const { url, waiting, seen } = await startWaiting({ max: 1, wait: 0 });
  const first = fetch(url);
  await pollUntil(() => waiting.length === 1, { what: 'the first' });
  const second = fetch(url);
  await pollUntil(() => seen.length === 2, { what: 'the second' });
  // Longer than a deadline of 0 would take, which is looked at by a timer.
  await new Promise((resolve) => setTimeout(resolve, 50));
  waiting[0]!();
  expect((await first).status).toBe(200);
  await pollUntil(() => waiting.length === 2, { what: 'the turn of the second' });
  waiting[1]!();
  expect((await second).status).toBe(200);
});

test('no queue at all', async () => {
  const { url, waiting } = await startWaiting({ max: 1, queue: 0 });
  const first = fetch(url);
  await pollUntil(() => waiting.length === 1, { what: 'the first' });
  expect((await fetch(url)).status).toBe(503);
  waiting[0]!();
  expect((await first).status).toBe(200);
  const next = fetch(url);
  await pollUntil(() => waiting.length === 2, { what: 'the next' });
  waiting[1]!();
  expect((await next).status).toBe(200);
});

test('one that leaves while it waits gives up its place in the queue', async () => {
  const { url, waiting } = await startWaiting({ max: 1 });
  const first = fetch(url);
  await pollUntil(() => waiting.length === 1, { what: 'the first' });
  const leaving = new AbortController();
  const second = fetch(url, { signal: leaving.signal }).catch(() => 'left');
  leaving.abort();
  await second;
  const third = fetch(url);
  waiting[0]!();
  expect((await first).status).toBe(200);
  await pollUntil(() => waiting.length === 2, { what: 'the third' });
  waiting[1]!();
  expect((await third).status).toBe(200);
  expect(waiting).toHaveLength(2);
});

test.each(['a FIN', 'a reset'])('one that leaves by %s while it waits is not run', async (how) => {
  const { url, port, waiting, seen, server } = await startWaiting({ max: 1 });
  const first = fetch(url);
  await pollUntil(() => waiting.length === 1, { what: 'the first' });
  await leave(port, how, () => seen.length === 2);
  await pollUntil(() => server.connections === 1, { what: 'its connection to end' });
  const third = fetch(url);
  await pollUntil(() => seen.length === 3, { what: 'the third request' });
  waiting[0]!();
  expect((await first).status).toBe(200);
  await pollUntil(() => waiting.length === 2, { what: 'the third to be run' });
  waiting[1]!();
  expect((await third).status).toBe(200);
});

test.each(['a FIN', 'a reset', 'a 504 of limits'])(
  'the place of one that is never answered is free after %s, once',
  async (how) => {
    const waiting: (() => void)[] = [];
    const timed: Middleware = (next) => {
      const limited = limits({ time: '50ms' })(next);
      return (request) => (request.path === '/timed' ? limited(request) : next(request));
    };
    const { url, port, seen } = await startMiddleware([timed, concurrency({ max: 1 })], () => {
      return new Promise((resolve) => waiting.push(() => resolve(answer('done'))));
    });
    if (how === 'a 504 of limits') expect((await fetch(`${url}/timed`)).status).toBe(504);
    else await leave(port, how, () => waiting.length === 1);
    const second = fetch(url);
    await pollUntil(() => waiting.length === 2, { what: 'the second to be run' });
    // It has no place to give back any more.
    waiting[0]!();
    const third = fetch(url);
    await pollUntil(() => seen.length === 3, { what: 'the third request' });
    expect(waiting).toHaveLength(2);
    waiting[1]!();
    expect((await second).status).toBe(200);
    await pollUntil(() => waiting.length === 3, { what: 'the third to be run' });
    waiting[2]!();
    expect((await third).status).toBe(200);
  },
);

test('a place is taken until the last byte of a streamed answer, and free if its client leaves', async () => {
  const { url, seen } = await startMiddleware([concurrency({ max: 1 })], (request) => {
    if (request.path === '/quick') return answer('quick');
    const endless = (async function* () {
      for (;;) {
        yield Buffer.alloc(1000);
        // The pace of the stream.
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    })();
    return { head: new ResponseHead(200), body: iterableBody(endless) };
  });
  const leaving = new AbortController();
  const stream = await fetch(`${url}/endless`, { signal: leaving.signal });
  const quick = fetch(`${url}/quick`);
  let answered = false;
  void quick.then(() => (answered = true));
  await pollUntil(() => seen.length === 2, { what: 'the second request' });
  expect(answered).toBe(false);
  leaving.abort();
  await stream.text().catch(() => {});
  expect((await quick).status).toBe(200);
});

test('a handler that throws gives its place back', async () => {
  const { url } = await startMiddleware([concurrency({ max: 1, queue: 0 })], () => {
    throw new Error('no');
  });
  expect((await fetch(url)).status).toBe(500);
  expect((await fetch(url)).status).toBe(500);
});

test.each([
  [{}, 'concurrency.max: expected a whole number'],
  [{ max: 0 }, 'concurrency.max: expected a whole number'],
  [{ max: 1, wait: 'long' }, 'concurrency.wait: expected seconds'],
])('%j is refused', (options, message) => {
  expect(() => concurrency(options as never)).toThrow(ConfigError);
  expect(() => concurrency(options as never)).toThrow(message);
});
