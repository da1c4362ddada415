/**
 * A worker that is given up because a request does not react to its interrupt: it ends in every case, and what waits inside it is
 * served elsewhere.
 */
import { afterEach, expect, test } from 'vitest';
import { isAlive, pollUntil } from '../support/poll.js';
import { request } from '../support/wsgi-client.js';
import { TestJob } from '../support/wsgi-job.js';
import { startSite, type Site, type SiteOptions } from '../support/wsgi-site.js';

let site: Site;

afterEach(async () => {
  await site.stop(100);
});

async function start(options: Partial<SiteOptions> = {}): Promise<Site> {
  site = await startSite({
    target: 'stuck:app',
    threads: 2,
    timeoutMs: 400,
    queueTimeoutMs: 20_000,
    ...options,
  });
  return site;
}

const newJob = (target: string): TestJob => new TestJob({ path: target, arrivedAtMs: performance.now() });

/** Makes the application known as quick, so that requests are sent ahead. */
async function warmUp(): Promise<void> {
  for (let i = 0; i < 10; i++) {
    const jobs = Array.from({ length: 32 }, () => newJob('/'));
    for (const job of jobs) site.supervisor.submit(job);
    await Promise.all(jobs.map((job) => job.over));
  }
}

test('a thread that comes to itself after its worker was given up: the worker leaves', async () => {
  await start();
  const [pid] = site.supervisor.pids as [number];
  const stuck = request(site.port, '/swallows_until/release');
  const neighbour =
    (await pollUntil(() => site.supervisor.status().workers[0]!.running.length === 1)) &&
    request(site.port, '/streams_until/end');
  expect((await stuck).status).toBe(504);
  await site.log.waitFor(/XGI_WORKER_STUCK.*is replaced/);
  site.write('release');
  await pollUntil(async () => (await request(site.port, '/')).body.toString() !== String(pid));
  site.write('end');
  expect((await neighbour).body.toString()).toMatch(/end$/);
  await pollUntil(() => !isAlive(pid), { what: 'the end of the worker' });
  expect(site.supervisor.status().workers).toHaveLength(1);
});

test('C code that never lets go of the interpreter: the worker is killed, and what was sent ahead to it is answered', async () => {
  await start();
  // Again where the machine was so busy that the application seemed to be slow, and nothing was sent ahead.
  for (let ahead = 0; ahead === 0;) {
    await warmUp();
    const [pid] = site.supervisor.pids as [number];
    const stuck = newJob('/holds_the_interpreter');
    // One thread that is stuck, one request for the other thread, and many behind them, all in one write.
    const others = Array.from({ length: 20 }, () => newJob('/'));
    for (const job of [stuck, ...others]) site.supervisor.submit(job);
    ({ ahead } = site.supervisor.status().workers[0]!);
    expect(await stuck.over).toBe('504');
    await pollUntil(() => !isAlive(pid), { what: 'the end of the worker' });
    const answers = await Promise.all(others.map((job) => job.over));
    // One more may have been in the other thread's hand.
    expect(answers.filter((answer) => answer === '200 OK').length).toBeGreaterThanOrEqual(19);
  }
  expect(site.log.lines.join('\n')).toMatch(/Fatal Python error: Aborted[\s\S]*holds_the_interpreter/);
});
