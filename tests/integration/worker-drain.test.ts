/** A worker that is dismissed: it ends what it runs, and nothing more; what waits behind that is answered by others. */
import { afterEach, describe, expect, test } from 'vitest';
import { pollUntil } from '../support/poll.js';
import { TestJob } from '../support/wsgi-job.js';
import {
  allEnded,
  ask,
  hold,
  parseSteered,
  startSite,
  type Site,
  type SiteOptions,
} from '../support/wsgi-site.js';

let site: Site;

afterEach(async () => {
  await site.stop(100);
});

async function start(options: Partial<SiteOptions> = {}): Promise<Site> {
  site = await startSite({ target: 'steered:app', ...options });
  return site;
}

const newJob = (target: string, method = 'GET'): TestJob =>
  new TestJob({ path: target, method, arrivedAtMs: performance.now() });

async function submitAll(jobs: readonly TestJob[]): Promise<string[]> {
  for (const job of jobs) site.supervisor.submit(job);
  return await Promise.all(jobs.map((job) => job.over));
}

interface Ahead {
  /** By the name of the file that it waits for. */
  readonly holds: ReadonlyMap<string, TestJob>;
  readonly quick: readonly TestJob[];
}

/** Submits `count` requests that are held, and 20 quick ones behind them, so that each worker has some of these in hand. */
async function submitAhead(count: number): Promise<Ahead> {
  // Again where the machine was so busy that the application seemed to be slow.
  for (let round = 0; ; round++) {
    // Known as quick, so that requests are sent ahead.
    for (let i = 0; i < 10; i++) await submitAll(Array.from({ length: 32 }, () => newJob('/')));
    const names = Array.from({ length: count }, (_, i) => `${round}-${i}`);
    const holds = new Map(names.map((name) => [name, newJob(`/hold/${name}`, 'POST')]));
    const quick = Array.from({ length: 20 }, () => newJob('/', 'POST'));
    for (const job of [...holds.values(), ...quick]) site.supervisor.submit(job);
    if (site.supervisor.status().workers.every(({ ahead }) => ahead > 0)) return { holds, quick };
    for (const name of names) site.write(name);
    await Promise.all([...holds.values(), ...quick].map((job) => job.over));
  }
}

describe.each([{ preload: false }, { preload: true }])('preload $preload', ({ preload }) => {
  test.each([1, 3])('what waits inside it is handed back, with %d thread(s)', async (threads) => {
    await start({ workers: 2, threads, supervisor: { preload } });
    const { holds, quick } = await submitAhead(2 * threads);
    site.supervisor.scale({ min: 1, max: 1 });
    const byState = (state: string): string[] =>
      site.supervisor
        .status()
        .workers.filter((worker) => worker.state === state)
        .flatMap(({ running }) => running.map(({ path }) => path.replace('/hold/', '')));
    await pollUntil(() => [...holds.keys()].every((name) => site.lines('notes').includes(name)));
    for (const name of byState('ready')) site.write(name);
    expect(await Promise.all(quick.map((job) => job.over))).toEqual(quick.map(() => '200 OK'));
    const draining = byState('draining');
    expect(draining).toHaveLength(threads);
    for (const name of draining) {
      expect(holds.get(name)!.events).toEqual([]);
      site.write(name);
    }
    for (const job of holds.values()) expect(await job.over).toBe('200 OK');
    await pollUntil(() => site.supervisor.pids.length === 1);
    expect(site.supervisor.status().totals).toMatchObject({ died: 0, crashed: 0 });
  });

  test('one that does not end in the grace period is killed: 502, and a line that says why', async () => {
    await start({ supervisor: { preload, gracefulTimeoutMs: 500 } });
    const [pid] = site.supervisor.pids as [number];
    const held = await hold(site, 'held');
    const dismissedAtMs = performance.now();
    expect(await site.supervisor.reload()).toBe('reloaded');
    const answer = await held();
    expect(performance.now() - dismissedAtMs).toBeGreaterThan(500);
    expect(answer.status).toBe(502);
    expect(answer.body.toString()).toContain('XGI_WORKER_DIED');
    expect(site.log.matching(/XGI_WORKER_DRAIN/).map(({ level, message }) => [level, message])).toEqual([
      [
        'warn',
        `XGI_WORKER_DRAIN: worker ${pid} has not finished 1 of its requests in the grace period and is killed; see --graceful-timeout`,
      ],
    ]);
    await allEnded([pid]);
    expect((await ask(site)).pid).not.toBe(pid);
    expect(site.supervisor.status().totals).toMatchObject({ died: 1, crashed: 0 });
  });

  test('an answer that is being streamed ends whole', async () => {
    await start({ threads: 2, supervisor: { preload } });
    const [pid] = site.supervisor.pids as [number];
    const streams = [await hold(site, 'a', 'stream'), await hold(site, 'b', 'stream')];
    expect(await site.supervisor.reload()).toBe('reloaded');
    expect((await ask(site)).pid).not.toBe(pid);
    site.write('a');
    site.write('b');
    for (const stream of streams) {
      const { complete, body } = await stream();
      expect(complete).toBe(true);
      expect(body.toString()).toMatch(/^first;0;1;.*99;last$/);
    }
    await allEnded([pid]);
  });

  test('stop() lets them end what they run, and answers what waits with 503', async () => {
    await start({ supervisor: { preload } });
    const { pids } = site.supervisor;
    const held = await hold(site, 'held');
    const waiting = newJob('/');
    site.supervisor.submit(waiting);
    const stopped = site.supervisor.stop(20_000);
    expect(await waiting.over).toBe('503');
    expect(waiting.error!.code).toBe('XGI_STOPPING');
    const late = newJob('/');
    site.supervisor.submit(late);
    expect(await late.over).toBe('503');
    site.write('held');
    expect(parseSteered(await held()).pid).toBe(pids[0]);
    await stopped;
    await allEnded(pids);
  });
});
