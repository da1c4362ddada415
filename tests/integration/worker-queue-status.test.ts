/** What can be seen of the workers and the queue from outside. */
import { afterEach, expect, test } from 'vitest';
import { pollUntil } from '../support/poll.js';
import { request } from '../support/wsgi-client.js';
import { TestJob } from '../support/wsgi-job.js';
import { ask, askMany, hold, listenOnly, startSite, type Site } from '../support/wsgi-site.js';

let site: Site;

afterEach(async () => {
  await site.stop(100);
});

test('an idle crew', async () => {
  site = await startSite({ target: 'steered:app', workers: 2 });
  await askMany(site);
  const status = site.supervisor.status();
  expect(status).toEqual({
    generation: 1,
    bootFailure: null,
    queue: { waiting: 0, oldestMs: 0 },
    workers: site.supervisor.pids.map((pid) => ({
      pid,
      state: 'ready',
      generation: 1,
      ageMs: expect.any(Number) as number,
      requests: expect.any(Number) as number,
      rssBytes: expect.any(Number) as number,
      running: [],
      ahead: 0,
    })),
    totals: {
      requests: 8,
      timeouts: 0,
      queueTimeouts: 0,
      died: 0,
      booted: 2,
      crashed: 0,
      recycled: 0,
    },
  });
  expect(status.workers.reduce((sum, { requests }) => sum + requests, 0)).toBe(8);
  for (const { rssBytes } of status.workers) expect(rssBytes).toBeGreaterThan(5_000_000);
  expect(JSON.parse(JSON.stringify(status))).toEqual(status);
});

test('before the start, and while the application is being loaded', async () => {
  const source =
    'from steered import app, note, wait_for  # noqa: F401\n\nnote("loading")\nwait_for("load")\n';
  site = await listenOnly({ target: 'slow:app', modules: { 'slow.py': source } });
  expect(site.supervisor.status()).toMatchObject({ generation: 0, workers: [] });
  const started = site.supervisor.start();
  await pollUntil(() => site.lines('notes').includes('loading'));
  const waiting = request(site.port, '/');
  const { queue } = await pollUntil(() => {
    const status = site.supervisor.status();
    return status.queue.oldestMs > 0 && status;
  });
  expect(queue.waiting).toBe(1);
  expect(site.supervisor.status().workers).toMatchObject([{ state: 'booting', requests: 0, running: [] }]);
  site.write('load');
  await started;
  expect((await waiting).status).toBe(200);
});

test('requests that run, with their method, path and time; those that wait; a worker that drains', async () => {
  site = await startSite({ target: 'steered:app', threads: 2, supervisor: { gracefulTimeoutMs: 20_000 } });
  const [pid] = site.supervisor.pids;
  const held = await hold(site, 'held');
  // What a value holds is not mistaken for a name; and the path is shown as it was meant.
  const second = request(site.port, '/hold/caf%C3%A9?PATH_INFO', {
    method: 'POST',
    headers: ['X-A: REQUEST_METHOD'],
  });
  await pollUntil(() => site.lines('notes').length === 2);
  const waiting = request(site.port, '/');
  await pollUntil(() => {
    const { queue, workers } = site.supervisor.status();
    return queue.waiting === 1 && workers[0]!.running.every(({ runningMs }) => runningMs > 0);
  });
  expect(site.supervisor.status().workers).toMatchObject([
    {
      pid,
      state: 'ready',
      requests: 0,
      ahead: 0,
      running: [
        { method: 'GET', path: '/hold/held' },
        { method: 'POST', path: '/hold/caf\u00e9' },
      ],
    },
  ]);
  expect(await site.supervisor.reload()).toBe('reloaded');
  expect((await waiting).status).toBe(200);
  const { generation, workers, totals } = site.supervisor.status();
  expect(generation).toBe(2);
  expect(workers).toMatchObject([
    { pid, state: 'draining', generation: 1, requests: 0, running: [{}, {}] },
    { state: 'ready', generation: 2, requests: 1, running: [] },
  ]);
  expect(totals).toMatchObject({ requests: 1, booted: 2, recycled: 0 });
  const ids = workers[0]!.running.map(({ id }) => id);
  expect(new Set(ids).size).toBe(2);
  site.write('held');
  // As WSGI has it: the bytes as latin-1.
  site.write('caf\u00c3\u00a9');
  expect([(await held()).status, (await second).status]).toEqual([200, 200]);
  await pollUntil(() => site.supervisor.status().workers.length === 1);
  expect(site.supervisor.status().totals.requests).toBe(3);
});

test('a request ahead is counted as such', async () => {
  site = await startSite({ target: 'steered:app' });
  const newJob = (path: string): TestJob => new TestJob({ path, arrivedAtMs: performance.now() });
  for (let i = 0; i < 10; i++) {
    const jobs = Array.from({ length: 32 }, () => newJob('/'));
    for (const job of jobs) site.supervisor.submit(job);
    await Promise.all(jobs.map((job) => job.over));
  }
  const jobs = Array.from({ length: 4 }, () => newJob('/'));
  for (const job of jobs) site.supervisor.submit(job);
  expect(site.supervisor.status().workers).toMatchObject([
    { ahead: 3, running: [{ id: jobs[0]!.id, path: '/' }] },
  ]);
  await Promise.all(jobs.map((job) => job.over));
  await ask(site);
});
