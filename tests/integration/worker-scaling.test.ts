/** More and fewer workers: by hand, and between the least and the most by what waits. */
import { afterEach, describe, expect, test } from 'vitest';
import { pollUntil } from '../support/poll.js';
import {
  allEnded,
  ask,
  askMany,
  hold,
  listenOnly,
  parseSteered,
  processesOf,
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

const scale = (count: number): void => site.supervisor.scale({ min: count, max: count });

const ready = (): number => site.supervisor.status().workers.filter(({ state }) => state === 'ready').length;

/** So many serve, and there are no others. */
async function settled(workers: number): Promise<void> {
  await pollUntil(() => ready() === workers && site.supervisor.status().workers.length === workers, {
    what: `${workers} workers`,
  });
}

describe.each([{ preload: false }, { preload: true }])('preload $preload', ({ preload }) => {
  test('1, 4, 1: answers all the time, and the number of processes follows', async () => {
    await start({ supervisor: { preload } });
    const own = preload ? 1 : 0;
    let asking = true;
    const asked = (async () => {
      let count = 0;
      for (; asking; count += 8) await askMany(site);
      return count;
    })();
    expect(ready()).toBe(1);
    scale(4);
    await settled(4);
    await pollUntil(() => processesOf(site).length === 4 + own);
    scale(1);
    await settled(1);
    await pollUntil(() => processesOf(site).length === 1 + own);
    asking = false;
    const answered = await asked;
    const { requests, died, crashed } = site.supervisor.status().totals;
    expect(requests).toBe(answered);
    expect([died, crashed]).toEqual([0, 0]);
    expect(site.supervisor.workers).toEqual({ min: 1, max: 1 });
  });

  test('wsgi.multiprocess: a worker that has told the application that it is alone is replaced', async () => {
    await start({ supervisor: { preload } });
    const first = await ask(site);
    expect(first.multiprocess).toBe(false);
    const held = await hold(site, 'held');
    scale(2);
    await pollUntil(() => ready() === 2 && !site.supervisor.status().workers.some(isReady(first.pid)));
    for (const { multiprocess } of await askMany(site)) expect(multiprocess).toBe(true);
    site.write('held');
    expect(parseSteered(await held())).toMatchObject({ pid: first.pid, multiprocess: false });
    await allEnded([first.pid]);
    await settled(2);
    // And nothing happens when it is more still, or fewer.
    const { pids } = site.supervisor;
    scale(3);
    await settled(3);
    expect(site.supervisor.pids.slice(0, 2)).toEqual(pids);
  });

  test('the idle leave, not those that have something to do', async () => {
    await start({ workers: 3, supervisor: { preload } });
    const held = await hold(site, 'held');
    const [busy] = site.supervisor.status().workers.filter(({ running }) => running.length > 0);
    scale(1);
    await settled(1);
    expect(site.supervisor.pids).toEqual([busy!.pid]);
    site.write('held');
    expect((await held()).status).toBe(200);
  });

  test('during the start: as many as are wanted by then', async () => {
    const options = { target: 'slow:app', supervisor: { preload } };
    const source =
      'from steered import app, note, wait_for  # noqa: F401\n\nnote("loading")\nwait_for("load")\n';
    site = await listenOnly({ ...options, modules: { 'slow.py': source } });
    const started = site.supervisor.start();
    await pollUntil(() => site.lines('notes').length === 1);
    scale(3);
    scale(2);
    scale(4);
    scale(3);
    site.write('load');
    await started;
    expect(ready()).toBe(3);
    await settled(3);
    await pollUntil(() => processesOf(site).length === 3 + (preload ? 1 : 0));
    for (const { multiprocess } of await askMany(site)) expect(multiprocess).toBe(true);
  });

  test('fewer during the start', async () => {
    const source =
      'from steered import app, note, wait_for  # noqa: F401\n\nnote("loading")\nwait_for("load")\n';
    site = await listenOnly({
      target: 'slow:app',
      workers: 3,
      supervisor: { preload },
      modules: { 'slow.py': source },
    });
    const started = site.supervisor.start();
    await pollUntil(() => site.lines('notes').length === (preload ? 1 : 3));
    scale(1);
    site.write('load');
    await started;
    await settled(1);
    expect(site.log.text).not.toMatch(/warn:|error:/);
    await ask(site);
  });
});

test('MIN..MAX: one more while requests wait, as many as the most; fewer again when there is nothing to do', async () => {
  await start({ supervisor: { workers: { min: 1, max: 3 } } });
  const held: Awaited<ReturnType<typeof hold>>[] = [];
  for (const name of ['a', 'b', 'c']) held.push(await hold(site, name));
  expect(ready()).toBe(3);
  // No more than the most.
  const fourth = ask(site);
  const fifth = ask(site);
  await pollUntil(() => site.supervisor.status().queue.waiting === 2);
  const waitingSinceMs = performance.now();
  await pollUntil(() => performance.now() - waitingSinceMs > 400);
  expect(site.supervisor.status().workers).toHaveLength(3);
  for (const name of ['a', 'b', 'c']) site.write(name);
  for (const answer of held) expect(parseSteered(await answer()).multiprocess).toBe(true);
  expect((await fourth).count + (await fifth).count).toBeGreaterThan(0);
  await pollUntil(() => site.supervisor.pids.length === 1, { what: 'one worker', deadlineMs: 25_000 });
  await ask(site);
  expect(site.supervisor.status().totals).toMatchObject({ died: 0, crashed: 0 });
}, 40_000);

function isReady(pid: number): (worker: { pid: number | null; state: string }) => boolean {
  return (worker) => worker.pid === pid && worker.state === 'ready';
}
