/**
 * An application that leaks 5 MB with every request, and --max-worker-rss: nothing is lost, and memory is bounded.
 *
 * The bound: a worker above the limit is replaced, and one at 1.5 times the limit gets no further request even if its successor is not
 * there yet (src/workers/recycling.ts). What it has been sent by then it still runs: so twice the limit for each. Of each of the 2 workers
 * there are never more than two for long, the one that leaves and its successor, which is below the limit: 2 × (2 + 1) times the limit for all together.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { formatMebibytes } from '../../bench/report/figures.js';
import type { RequestKind } from '../load/plan.js';
import { MemoryRecord } from '../measures/memory-record.js';
import { Checks, type Scenario } from '../scenario.js';
import { underLoad, withSite } from '../under-load.js';

const MEBIBYTE = 2 ** 20;
const LIMIT_MEBIBYTES = 200;
const WORKERS = 2;
const LEAK: RequestKind = { name: 'leak', method: 'GET', path: '/leak', query: 'kib=5120' };
const SAMPLE_MS = 20;

export const leak: Scenario = {
  name: 'leak',
  title: 'an application that leaks 5 MB for each request, with --max-worker-rss',
  run: ({ short }) =>
    withSite({ flags: ['-w', String(WORKERS), '--max-worker-rss', `${LIMIT_MEBIBYTES}mb`] }, async (site) => {
      const memory = new MemoryRecord(site, SAMPLE_MS);
      try {
        const report = await underLoad(site, { sequence: [LEAK] }, () => sleep(short ? 4000 : 30_000));
        memory.stop();
        const worker = memory.growth('workerBytes').peakBytes;
        const workers = memory.growth('workersBytes').peakBytes;
        const recycled = (await site.status()).gateways.reduce((sum, { totals }) => sum + totals.recycled, 0);
        const checks = new Checks();
        checks.nothingLost(report);
        checks.atLeast('workers that were replaced', 2, recycled);
        checks.atMost('the largest worker, MiB', 2 * LIMIT_MEBIBYTES, worker / MEBIBYTE);
        checks.atMost('all workers together, MiB', WORKERS * 3 * LIMIT_MEBIBYTES, workers / MEBIBYTE);
        const figures = {
          leaked: `${formatMebibytes(report.sent * 5 * MEBIBYTE)} MiB`,
          'largest worker': `${formatMebibytes(worker)} MiB`,
          'all workers': `${formatMebibytes(workers)} MiB`,
          recycled,
        };
        return { load: report, checks: checks.list, figures };
      } finally {
        memory.stop();
      }
    }),
};
