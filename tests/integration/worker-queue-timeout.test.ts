/** The two deadlines of a request: how long it may wait for a worker, and how long it may run. */
import { afterEach, expect, test } from 'vitest';
import { pollUntil } from '../support/poll.js';
import { request } from '../support/wsgi-client.js';
import { ask, hold, startSite, type Site, type SiteOptions } from '../support/wsgi-site.js';

let site: Site;

afterEach(async () => {
  await site.stop(100);
});

async function start(options: Partial<SiteOptions> = {}): Promise<Site> {
  site = await startSite({ target: 'steered:app', ...options });
  return site;
}

const passed = (ms: number): Promise<unknown> => {
  const sinceMs = performance.now();
  return pollUntil(() => performance.now() - sinceMs > ms);
};

test('a request that waits too long: 503 with Retry-After; the one that runs is not touched by that', async () => {
  await start({ timeoutMs: 30_000, queueTimeoutMs: 300 });
  const held = await hold(site, 'held');
  const sentAtMs = performance.now();
  const refused = await request(site.port, '/');
  const tookMs = performance.now() - sentAtMs;
  expect(refused.status).toBe(503);
  expect(refused.body.toString()).toContain('XGI_WORKERS_BUSY');
  expect(site.log.matching(/XGI_WORKERS_BUSY.*0\.3 s/)).toHaveLength(1);
  expect(refused.headers.get('retry-after')).toMatch(/^[0-9]+$/);
  expect(tookMs).toBeGreaterThan(300);
  expect(tookMs).toBeLessThan(5000);
  await passed(300);
  site.write('held');
  expect((await held()).status).toBe(200);
  expect((await ask(site)).count).toBe(2);
  expect(site.supervisor.status().totals).toMatchObject({ queueTimeouts: 1, timeouts: 0, requests: 2 });
});

test('those that have waited too long go, those that came later stay', async () => {
  await start({ timeoutMs: 30_000, queueTimeoutMs: 2500 });
  await hold(site, 'held');
  const first = [request(site.port, '/'), request(site.port, '/')];
  await pollUntil(() => site.supervisor.status().queue.waiting === 2);
  await passed(1500);
  const later = request(site.port, '/');
  for (const answer of await Promise.all(first)) expect(answer.status).toBe(503);
  expect(site.supervisor.status().queue.waiting).toBe(1);
  site.write('held');
  expect((await later).status).toBe(200);
});

test('0: they wait for as long as it takes', async () => {
  await start({ timeoutMs: 30_000, queueTimeoutMs: 0 });
  const held = await hold(site, 'held');
  const waiting = request(site.port, '/');
  await pollUntil(() => site.supervisor.status().queue.waiting === 1);
  await pollUntil(() => site.supervisor.status().queue.oldestMs > 600);
  site.write('held');
  expect((await waiting).status).toBe(200);
  expect((await held()).status).toBe(200);
  expect(site.supervisor.status().totals).toMatchObject({ queueTimeouts: 0, timeouts: 0 });
});

test('timeoutMs 0: a request may run for ever, and those that wait are told', async () => {
  await start({ timeoutMs: 0, queueTimeoutMs: 300 });
  const held = await hold(site, 'held');
  expect((await request(site.port, '/')).status).toBe(503);
  await passed(300);
  site.write('held');
  expect((await held()).status).toBe(200);
});

test('past the deadline with threads: 504 for that one, the others of the worker go on', async () => {
  await start({ threads: 3, timeoutMs: 3000, queueTimeoutMs: 20_000 });
  const late = hold(site, 'late');
  await late;
  await passed(1500);
  const neighbours = [await hold(site, 'one'), await hold(site, 'two')];
  const waiting = request(site.port, '/');
  expect((await (await late)()).status).toBe(504);
  expect((await waiting).status).toBe(200);
  site.write('one');
  site.write('two');
  for (const neighbour of neighbours) expect((await neighbour()).status).toBe(200);
  expect(site.supervisor.status().totals).toMatchObject({ timeouts: 1, crashed: 0, died: 0, booted: 1 });
});

test('past the deadline with two workers: those that wait behind it are served by the other', async () => {
  await start({ workers: 2, timeoutMs: 3000, queueTimeoutMs: 20_000 });
  const late = (await hold(site, 'late'))();
  let isOver = false;
  void late.finally(() => (isOver = true));
  for (let i = 0; i < 20; i++) await ask(site);
  // Before the deadline: nobody has waited for it.
  expect(isOver).toBe(false);
  expect((await late).status).toBe(504);
  expect(site.supervisor.status().totals).toMatchObject({ timeouts: 1, died: 0 });
});
