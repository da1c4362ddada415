/**
 * How long nobody serves when the only worker of a Django project is killed, with --preload and without.
 *
 * Two things are measured, in rounds of their own, from just before the SIGKILL: until a request that is sent at once is answered (it waits
 * in the gateway, and is the first of the new worker, with all that Django does only then); and until the status shows the
 * new worker as ready.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { ClientConnection } from '../../bench/http/client-connection.js';
import { requestBytes } from '../../bench/http/request-bytes.js';
import { median } from '../../bench/measures/statistics.js';
import { Tally } from '../load/tally.js';
import { until } from '../poll.js';
import { Checks, type Scenario } from '../scenario.js';
import type { WorkerFigures } from '../server/control.js';
import { withDjango } from '../server/django.js';
import type { Site, SiteOptions } from '../server/site.js';
import { withSite } from '../under-load.js';

const LIMIT_MS = 50;
/** Workers that die more often than ten times a second are not replaced at once (src/workers/backoff.ts); that is not what is measured. */
const PAUSE_MS = 120;
const REQUEST = requestBytes({ target: '/' });

interface Times {
  readonly answered: readonly number[];
  readonly ready: readonly number[];
}

export const preloadRestart: Scenario = {
  name: 'preload-restart',
  title: 'Django: from SIGKILL of the only worker to its replacement, with --preload and without',
  run: ({ short, say }) =>
    withDjango(async (django) => {
      const rounds = short ? 5 : 20;
      const flags = [...(django.flags ?? []), '-w', '1'];
      const withPreload = await measure({ ...django, flags: [...flags, '--preload'] }, rounds);
      say(`--preload: ${described(withPreload.answered)}`);
      const without = await measure({ ...django, flags }, short ? 2 : rounds);
      const checks = new Checks();
      // In the short form the machine runs other tests as well.
      const typical = short ? (times: readonly number[]): number => Math.min(...times) : median;
      const name = short ? 'fastest' : 'median';
      checks.atMost(`--preload: ${name} until the answer, ms`, LIMIT_MS, typical(withPreload.answered));
      checks.atMost(`--preload: ${name} until READY, ms`, LIMIT_MS, typical(withPreload.ready));
      const figures = {
        '--preload: answered after': described(withPreload.answered),
        '--preload: ready after': described(withPreload.ready),
        'without: answered after': described(without.answered),
        'without: ready after': described(without.ready),
      };
      return { load: new Tally().report(), checks: checks.list, figures };
    }),
};

function measure(options: SiteOptions, rounds: number): Promise<Times> {
  return withSite(options, async (site) => {
    const times = { answered: [] as number[], ready: [] as number[] };
    for (let round = 0; round < rounds; round++) {
      await sleep(PAUSE_MS);
      times.answered.push(await untilAnswered(site));
      await sleep(PAUSE_MS);
      times.ready.push(await untilReady(site));
    }
    return times;
  });
}

async function untilAnswered(site: Site): Promise<number> {
  const pid = await onlyWorker(site);
  const connection = await ClientConnection.open(site.port);
  try {
    await connection.request(REQUEST);
    // It is done with the first request, of which the answer is not the end.
    await until('the worker to be idle', async () => (await idlePids(site)).includes(pid), { everyMs: 1 });
    const killedMs = performance.now();
    process.kill(pid, 'SIGKILL');
    const { status } = await connection.request(REQUEST);
    if (status !== 200) throw new Error(`the answer has status ${status}`);
    return performance.now() - killedMs;
  } finally {
    connection.destroy();
  }
}

async function untilReady(site: Site): Promise<number> {
  const pid = await onlyWorker(site);
  const killedMs = performance.now();
  process.kill(pid, 'SIGKILL');
  await until('the replacement', async () => (await readyPids(site)).some((other) => other !== pid), {
    everyMs: 1,
  });
  return performance.now() - killedMs;
}

async function onlyWorker(site: Site): Promise<number> {
  return until('the worker', async () => {
    const pids = await readyPids(site);
    return pids.length === 1 && pids[0];
  });
}

async function readyPids(site: Site): Promise<number[]> {
  return (await readyWorkers(site)).map(({ pid }) => pid!);
}

async function idlePids(site: Site): Promise<number[]> {
  return (await readyWorkers(site)).filter(({ running }) => running.length === 0).map(({ pid }) => pid!);
}

async function readyWorkers(site: Site): Promise<WorkerFigures[]> {
  const workers = (await site.status()).gateways.flatMap((gateway) => gateway.workers);
  return workers.filter(({ state }) => state === 'ready');
}

function described(times: readonly number[]): string {
  const rounded = (value: number): string => value.toFixed(1);
  return `${rounded(Math.min(...times))} / ${rounded(median(times))} / ${rounded(Math.max(...times))} ms (min / median / max of ${times.length})`;
}
