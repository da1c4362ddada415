/** `--cgi-concurrency` and the queue before it: how many run at once, who waits, who is sent away, and who has gone meanwhile. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { CgiSite } from '../support/cgi-site.js';
import { pollUntil } from '../support/poll.js';

let site: CgiSite;

beforeEach(() => {
  site = new CgiSite();
});
afterEach(() => site.destroy());

/** The most programs of hold.sh that ran at the same time. */
function mostAtOnce(): number {
  let now = 0;
  let most = 0;
  for (const line of site.notes('runs')) {
    now += line.startsWith('+') ? 1 : -1;
    most = Math.max(most, now);
  }
  return most;
}

/** The names of the programs of hold.sh that have run. */
function started(): string[] {
  return site
    .notes('runs')
    .filter((line) => line.startsWith('+'))
    .map((line) => line.split(' ')[1]!);
}

async function untilWaiting(count: number): Promise<void> {
  await pollUntil(async () => (await site.status()).gateways[0]!.queue.waiting === count, {
    what: `${count} to wait`,
  });
}

test('never more at once, the others wait, and all are answered in the order of their arrival', async () => {
  await site.start(['--cgi-concurrency', '3']);
  const answers = [];
  for (let i = 0; i < 12; i++) {
    answers.push(site.get(`/hold.sh?r${i}`));
    await pollUntil(async () => {
      const { queue, workers } = (await site.status()).gateways[0]!;
      const running = workers.reduce((sum, worker) => sum + worker.running.length, 0);
      return queue.waiting + running === i + 1;
    });
  }
  await pollUntil(() => started().length === 3);
  await untilWaiting(9);
  for (let i = 0; i < 12; i++) {
    site.letGo(`r${i}`);
    expect((await answers[i]!).body.toString()).toBe(`r${i} went on\n`);
    // Two that are started at the same time, by two launchers, may note that in any order.
    await pollUntil(() => started().length === Math.min(12, i + 4));
  }
  expect(mostAtOnce()).toBe(3);
  expect(started().slice(3)).toEqual(Array.from({ length: 9 }, (_, i) => `r${i + 3}`));
});

test('a place is free when the program has ended, and not before: one that only closes its output has it still', async () => {
  await site.start(['--cgi-concurrency', '1']);
  expect((await site.get('/closes-output.sh')).body.toString()).toBe('all of it\n');
  const next = site.get('/hello.sh');
  await untilWaiting(1);
  expect(site.notes('closes-output')).toEqual([]);
  site.letGo('go');
  expect((await next).status).toBe(200);
  expect(site.notes('closes-output')).toEqual(['done']);
});

test('places come back from programs of all ends', async () => {
  await site.start(['--cgi-concurrency', '2', '--cgi-idle-timeout', '300ms']);
  site.program('not-executable', '#!/bin/sh\n', 0o644);
  site.program('no-loader', '#!/no/such/interpreter\n');
  site.output('empty', '');
  const targets = [
    '/complains.sh/empty?3',
    '/kills-itself.sh?KILL',
    '/hangs.sh',
    '/not-executable',
    '/no-loader',
    '/missing',
    '/redirects.sh?/hello.sh',
    '/redirects.sh?/redirects.sh',
    '/head-then-hangs.sh',
    '/prints.sh/empty',
    '/leaves-a-child.sh',
  ];
  for (const target of targets) await Promise.all([site.get(target), site.get(target), site.get(target)]);
  const beganMs = performance.now();
  for (let i = 0; i < 3; i++) {
    const client = site.open('/hangs.sh');
    await site.pids(7 + i);
    client.reset();
  }
  await site.untilIdle(15_000);
  expect(performance.now() - beganMs).toBeLessThan(15_000);
  // Both of them.
  const answers = [site.get('/hold.sh?a'), site.get('/hold.sh?b')];
  await pollUntil(() => site.notes('runs').length === 2);
  for (const name of ['a', 'b']) site.letGo(name);
  expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([200, 200]);
});

test('past the queue: 503 with Retry-After, at once', async () => {
  await site.start(['--cgi-concurrency', '1', '--queue-timeout', '60s']);
  const first = site.get('/hold.sh?first');
  await pollUntil(() => site.notes('runs').length === 1);
  // As many as may wait.
  const waiting = Array.from({ length: 1024 }, () => site.open('/hello.sh', ['Connection: close']));
  await untilWaiting(1024);
  // Before the first has ended, and before anybody has waited too long.
  const refused = await site.get('/hello.sh');
  expect(refused.status).toBe(503);
  expect(refused.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
  expect(refused.body.toString()).toContain('XGI_CGI_BUSY');
  await site.logged(
    /\[ERROR\] XGI_CGI_BUSY: 1 programs? runs? and 1024 requests wait already: raise --cgi-concurrency/,
  );
  for (const client of waiting) client.reset();
  await untilWaiting(0);
  site.letGo('first');
  expect((await first).status).toBe(200);
});

test('after --queue-timeout: 503 with Retry-After; who runs is not touched', async () => {
  await site.start(['--cgi-concurrency', '1', '--queue-timeout', '400ms']);
  const first = site.get('/hold.sh?first');
  await pollUntil(() => site.notes('runs').length === 1);
  const beganMs = performance.now();
  const second = await site.get('/hold.sh?second');
  const tookMs = performance.now() - beganMs;
  expect([second.status, tookMs >= 390, tookMs < 10_000]).toEqual([503, true, true]);
  expect(second.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
  expect(second.body.toString()).toContain('XGI_CGI_QUEUE_TIMEOUT');
  await site.logged(/\[ERROR\] XGI_CGI_QUEUE_TIMEOUT: .*for 0\.4 s \(--queue-timeout\)/);
  site.letGo('first');
  expect((await first).status).toBe(200);
  expect(site.notes('runs').some((line) => line.includes('second'))).toBe(false);
  expect((await site.get('/hello.sh')).status).toBe(200);
});

test.each([
  ['a reset', 'reset'],
  ['an ordinary close', 'close'],
] as const)('a client that leaves while it waits, by %s, is never run', async (_name, way) => {
  await site.start(['--cgi-concurrency', '1']);
  const first = site.get('/hold.sh?first');
  await pollUntil(() => site.notes('runs').length === 1);
  const client = site.open('/hold.sh?gone');
  const third = site.get('/hold.sh?third');
  await untilWaiting(2);
  client[way]();
  await untilWaiting(1);
  site.letGo('first');
  site.letGo('gone');
  site.letGo('third');
  expect((await first).status).toBe(200);
  expect((await third).status).toBe(200);
  expect(site.notes('runs').filter((line) => line.includes('gone'))).toEqual([]);
});

test('a local redirect does not need a second place while the first program still runs', async () => {
  // Its own output would have to end before: with one place, that is all there is to wait for.
  site.program('sends-on.sh', '#!/bin/sh\nprintf "Location: /hello.sh\\n\\n"\n');
  await site.start(['--cgi-concurrency', '1']);
  for (let i = 0; i < 5; i++)
    expect((await site.get('/sends-on.sh')).body.toString()).toBe('hello from sh\n');
});
