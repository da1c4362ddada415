/**
 * Guessing of passwords. A server that answers an unknown name sooner than a wrong password tells which names there are; one that
 * computes bcrypt on its event loop stands still for everybody else while somebody guesses; one that checks whatever comes lets a
 * client guess as fast as its processor computes.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import bcrypt from 'bcryptjs';
import { expect, test } from 'vitest';
import { basicAuth } from '../../src/middleware/basic-auth.js';
import { RawClient } from '../support/http-client.js';
import { startMiddleware } from '../support/middleware-site.js';
import { quickest } from '../support/quickest.js';

const encode = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;

function request(credentials: string): string {
  return `GET / HTTP/1.1\r\nHost: a\r\nAuthorization: ${encode(credentials)}\r\n\r\n`;
}

async function timed(client: RawClient, credentials: string): Promise<number> {
  const beganMs = performance.now();
  const { status } = await client.send(request(credentials)).response();
  expect(status).toBe(401);
  return performance.now() - beganMs;
}

const GUESSES = 3000;

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

test('an unknown name takes as long as a wrong password', async () => {
  const users = { ada: bcrypt.hashSync('x', 8), bob: bcrypt.hashSync('y', 8) };
  const { port } = await startMiddleware([basicAuth({ users, attempts: 0 })]);
  const client = await RawClient.connect(port);
  await timed(client, 'ada:warm');
  const known: number[] = [];
  const unknown: number[] = [];
  for (let i = 0; i < 15; i += 1) {
    known.push(await timed(client, `ada:wrong${i}`));
    unknown.push(await timed(client, `eve${i}:wrong`));
  }
  // Without a check it would be a tenth of a millisecond. The least of each: others use the processor, too.
  const ratio = Math.min(...unknown) / Math.min(...known);
  expect(ratio).toBeGreaterThan(0.6);
  expect(ratio).toBeLessThan(1.7);
});

test('a user’s password with another name is no way in, and is not remembered as one', async () => {
  const { port } = await startMiddleware([
    basicAuth({ users: { ada: bcrypt.hashSync('x', 4) }, attempts: 0 }),
  ]);
  const client = await RawClient.connect(port);
  // The only user stands in for every unknown name.
  for (let i = 0; i < 3; i += 1) await timed(client, 'eve:x');
});

test('3,000 wrong passwords leave the loop to others', { timeout: 60_000 }, async () => {
  const users = { ada: bcrypt.hashSync('x', 10) };
  const checkMs = await quickest(3, () => bcrypt.compareSync('wrong', users.ada));
  const { port } = await startMiddleware([basicAuth({ users, attempts: 0 })]);
  const other = await RawClient.connect(port);
  // Known from now on.
  expect((await other.send(request('ada:x')).response()).status).toBe(200);

  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  const statuses = new Map<number, number>();
  let next = 0;
  const guess = async (): Promise<void> => {
    const client = await RawClient.connect(port);
    while (next < GUESSES) {
      next += 1;
      const { status } = await client.send(request(`ada:wrong${next}`)).response();
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  };
  const guessing = Promise.all(Array.from({ length: 100 }, guess));
  let isOver = false;
  void guessing.then(() => (isOver = true));
  const times: number[] = [];
  while (!isOver) {
    const beganMs = performance.now();
    expect((await other.send(request('ada:x')).response()).status).toBe(200);
    times.push(performance.now() - beganMs);
  }
  await guessing;
  delay.disable();
  // On the loop, each check would stop it.
  console.log(
    `a check takes ${checkMs.toFixed(0)} ms; the loop ${(delay.percentile(50) / 1e6).toFixed(1)} ms, others ${median(times).toFixed(1)} ms`,
  );
  expect(delay.percentile(50) / 1e6).toBeLessThan(checkMs / 2);
  expect(median(times)).toBeLessThan(checkMs / 2);
  expect([...statuses.keys()].toSorted()).toEqual([401, 503]);
  expect([...statuses.values()].reduce((a, b) => a + b)).toBe(GUESSES);
});

test('a client that guesses is checked ten times in a minute, and an IPv6 network is one client', async () => {
  const users = { ada: bcrypt.hashSync('x', 4) };
  const { port } = await startMiddleware([basicAuth({ users })], undefined, { trusted: '127.0.0.1' });
  const client = await RawClient.connect(port);
  const statuses: number[] = [];
  for (let i = 0; i < 12; i += 1) {
    const forwarded = `X-Forwarded-For: 2001:db8::${i + 1}\r\n`;
    client.send(request(`ada:wrong${i}`).replace('Authorization', `${forwarded}Authorization`));
    statuses.push((await client.response()).status);
  }
  expect(statuses).toEqual([...Array.from({ length: 10 }, () => 401), 429, 429]);
});
