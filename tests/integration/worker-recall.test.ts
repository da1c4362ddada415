/** Requests that wait behind a slow one in the worker's hand: called back, or let go because their client has gone. */
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { TestJob } from '../support/wsgi-job.js';
import { startSite, type Site } from '../support/wsgi-site.js';

let site: Site;

afterEach(async () => {
  await site.stop(100);
});

async function startWarm(workers: number): Promise<void> {
  site = await startSite({ target: 'burns:app', workers });
  for (let i = 0; i < 10; i++) {
    const jobs = Array.from({ length: 32 }, () => newJob('/'));
    for (const job of jobs) site.supervisor.submit(job);
    await Promise.all(jobs.map((job) => job.over));
  }
}

const newJob = (path: string, query = '', method = 'GET'): TestJob =>
  new TestJob({ path, query, method, arrivedAtMs: performance.now() });

describe.each(['/burn', '/sleep'])('behind %s', (slowPath) => {
  test('a client that goes while its request is being called back does no harm', async () => {
    await startWarm(1);
    for (let round = 0; round < 5; round++) {
      const slow = newJob(slowPath, '0.05');
      const waiting = Array.from({ length: 31 }, () => newJob('/', '', 'POST'));
      for (const job of [slow, ...waiting]) site.supervisor.submit(job);
      // They go one by one: before the recall, between it and its answer, and after it.
      const beganAtMs = performance.now();
      for (const [i, job] of waiting.entries()) {
        while (performance.now() - beganAtMs < i * 0.4) await turn();
        site.supervisor.abort(job);
      }
      expect(await slow.over).toBe('200 OK');
      expect(waiting.flatMap((job) => job.events.filter((event) => event.startsWith('fail')))).toEqual([]);
    }
    const last = newJob('/');
    site.supervisor.submit(last);
    expect(await last.over).toBe('200 OK');
    expect(site.log.text).not.toContain('XGI_');
    expect(site.log.matching(/Booting/)).toHaveLength(1);
  });

  test('what is called back is answered by an idle worker long before the slow one is done', async () => {
    await startWarm(2);
    const slow = newJob(slowPath, '2');
    const quick = Array.from({ length: 40 }, () => newJob('/', '', 'POST'));
    for (const job of [slow, ...quick]) site.supervisor.submit(job);
    await Promise.all(quick.map((job) => job.over));
    expect(slow.events).toEqual([]);
    expect(quick.map((job) => job.events.join())).toEqual(quick.map(() => 'answer'));
    expect(await slow.over).toBe('200 OK');
  });
});
