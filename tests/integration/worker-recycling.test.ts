/** Workers that are replaced for their requests, their age or their memory: the successor is there first, and no request is lost. */
import { rmSync } from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { pollUntil } from '../support/poll.js';
import { request } from '../support/wsgi-client.js';
import {
  allEnded,
  ask,
  askMany,
  hold,
  parseSteered,
  processesOf,
  startSite,
  type Site,
  type SiteOptions,
} from '../support/wsgi-site.js';
import { NO_RECYCLING } from '../../src/workers/recycling.js';
import type { Recycling } from '../../src/types.js';

let site: Site;

afterEach(async () => {
  await site.stop(100);
});

async function start(
  recycling: Partial<Recycling>,
  { supervisor, ...options }: Partial<SiteOptions> = {},
): Promise<Site> {
  site = await startSite({
    target: 'steered:app',
    ...options,
    supervisor: { recycling: { ...NO_RECYCLING, ...recycling }, ...supervisor },
  });
  return site;
}

/** The file `broken` keeps it from being loaded. */
const FRAGILE = {
  target: 'app:app',
  modules: { 'app.py': 'from steered import app, fail_if  # noqa: F401\n\nfail_if("broken")\n' },
};

const MIB = 1_048_576;
const totals = (): ReturnType<Site['supervisor']['status']>['totals'] => site.supervisor.status().totals;

/** The worker that has been replaced has gone, and its successor is the only one. */
async function settled(recycled: number): Promise<void> {
  await pollUntil(() => {
    const { workers } = site.supervisor.status();
    return totals().recycled === recycled && workers.length === 1 && workers[0]!.state === 'ready';
  });
}

describe.each([{ preload: false }, { preload: true }])('maxRequests, preload $preload', ({ preload }) => {
  test('is exact: the successor is started with the last of them, and serves after it', async () => {
    await start({ maxRequests: 3 }, { supervisor: { preload } });
    const pids: number[] = [];
    for (let life = 1; life <= 3; life++) {
      for (let nth = 1; nth <= 3; nth++) {
        expect(totals()).toMatchObject({ booted: life, recycled: life - 1 });
        const { pid, count } = await ask(site);
        pids.push(pid);
        expect(count).toBe(nth);
      }
      await settled(life);
    }
    expect(new Set(pids).size).toBe(3);
    expect(totals()).toMatchObject({ requests: 9, booted: 4, recycled: 3, crashed: 0, died: 0 });
    expect(site.log.text).not.toMatch(/warn:|error:/);
    await pollUntil(() => processesOf(site).length === (preload ? 2 : 1));
  });

  test('with several workers and under load, nothing is lost, and there are never fewer that serve', async () => {
    await start({ maxRequests: 20, maxRequestsJitter: 20 }, { workers: 2, supervisor: { preload } });
    let fewest = 2;
    const watch = setInterval(() => {
      const serving = site.supervisor.status().workers.filter(({ state }) => state === 'ready').length;
      fewest = Math.min(fewest, serving);
    }, 1);
    // A worker serves until its successor can, so how many requests five lives take is up to the machine.
    const pids = new Set<number>();
    let requests = 0;
    while (requests < 400 || pids.size < 5) {
      const answers = await askMany(site);
      requests += answers.length;
      for (const { pid } of answers) pids.add(pid);
    }
    clearInterval(watch);
    expect(fewest).toBe(2);
    expect(totals()).toMatchObject({ requests, crashed: 0, died: 0 });
  });
});

test('maxRequestsJitter: so many more at the most, and not the same number for each', async () => {
  await start({ maxRequests: 2, maxRequestsJitter: 4 }, { supervisor: { preload: true } });
  const lives: number[] = [];
  while (lives.length < 15) {
    const before = totals().recycled;
    const { count } = await ask(site);
    if (totals().recycled === before) continue;
    lives.push(count);
    await settled(before + 1);
  }
  expect(Math.min(...lives)).toBeGreaterThanOrEqual(2);
  expect(Math.max(...lives)).toBeLessThanOrEqual(6);
  // All the same by chance: once in 5 to the power of 14.
  expect(new Set(lives).size).toBeGreaterThan(1);
});

test('maxAgeMs: replaced in the last tenth of that time, while requests are answered all the time', async () => {
  await start({ maxAgeMs: 2000 });
  const startedAtMs = performance.now() - site.supervisor.status().workers[0]!.ageMs;
  const first = (await ask(site)).pid;
  await pollUntil(async () => (await ask(site)).pid !== first);
  expect(performance.now() - startedAtMs).toBeGreaterThan(1800 - 50);
  expect(totals()).toMatchObject({ crashed: 0, died: 0 });
  await allEnded([first]);
});

describe('maxRssBytes', () => {
  test('an application that leaks is replaced, and its memory is bounded', async () => {
    await start({ maxRssBytes: 100 * MIB });
    const pids = new Set<number>();
    let mostBytes = 0;
    let requests = 0;
    for (; requests < 60 || pids.size < 3; requests++) {
      pids.add((await ask(site, '/grow/10')).pid);
      for (const { rssBytes } of site.supervisor.status().workers)
        mostBytes = Math.max(mostBytes, rssBytes ?? 0);
    }
    // At least 600 MiB were leaked. Half as much again is tolerated, and what a worker grows before the next look.
    expect(mostBytes).toBeLessThan(250 * MIB);
    expect(totals()).toMatchObject({ requests, crashed: 0, died: 0 });
  });

  test('beyond all bounds: no further request, though no successor can be loaded; requests wait and are not lost', async () => {
    await start({ maxRssBytes: 100 * MIB }, { ...FRAGILE, threads: 2 });
    const [pid] = site.supervisor.pids as [number];
    const held = await hold(site, 'held');
    site.write('broken');
    // Too large, and replaced if that were possible; but it serves.
    expect((await ask(site, '/grow/110')).pid).toBe(pid);
    await site.log.waitFor(/XGI_APP_RAISED/);
    expect((await ask(site)).pid).toBe(pid);
    await ask(site, '/grow/100');
    await pollUntil(() => site.supervisor.status().workers.some(({ state }) => state === 'draining'));
    const waiting = Array.from({ length: 5 }, () => request(site.port, '/'));
    await pollUntil(() => site.supervisor.status().queue.waiting === 5);
    site.write('held');
    expect(parseSteered(await held()).pid).toBe(pid);
    await allEnded([pid]);
    expect(site.supervisor.status().queue.waiting).toBe(5);
    rmSync(path.join(site.directory, 'broken'));
    for (const answer of await Promise.all(waiting)) expect(parseSteered(answer).pid).not.toBe(pid);
    expect(totals()).toMatchObject({ died: 0, recycled: 1 });
  });
});

test('the old one serves as long as its successor cannot be loaded, however often that is tried', async () => {
  await start({ maxRequests: 2 }, FRAGILE);
  const [pid] = site.supervisor.pids as [number];
  site.write('broken');
  await ask(site);
  await ask(site);
  await pollUntil(async () => {
    expect((await ask(site)).pid).toBe(pid);
    return site.log.matching(/XGI_APP_RAISED/).length >= 3;
  });
  expect(site.log.matching(/XGI_APP_RAISED/)[0]!.fields['detail']).toContain('RuntimeError');
  rmSync(path.join(site.directory, 'broken'));
  await pollUntil(async () => (await ask(site)).pid !== pid);
  await allEnded([pid]);
  expect(totals().recycled).toBeGreaterThanOrEqual(1);
});
