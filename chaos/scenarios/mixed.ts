/**
 * All sorts of requests and clients for a long time: every request that is waited for is answered, and memory does not grow.
 *
 * Memory is flat if, for the gateway and for the workers together, the median of resident memory over the last quarter of the time is no more
 * than a tenth above that of the second quarter; the first one is the warm-up. In the short form the heap of the gateway is
 * still growing into its shape then, so there the last quarter may have half as much again: that finds a leak by requests, not one by hours.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { formatMebibytes } from '../../bench/report/figures.js';
import { answersOf, Load } from '../load/load.js';
import { planOf, QUICK, QUICK_POST, type RequestKind } from '../load/plan.js';
import { sumReports, type LoadReport } from '../load/tally.js';
import { MemoryRecord } from '../measures/memory-record.js';
import { Checks, type Context, type Scenario } from '../scenario.js';
import { withSite } from '../under-load.js';

const BUSY: RequestKind = { name: 'busy', method: 'GET', path: '/busy', query: 'ms=2' };
const LARGE: RequestKind = { name: 'large', method: 'GET', path: '/quick', answerBytes: 150_000 };
const STREAM: RequestKind = {
  name: 'stream',
  method: 'GET',
  path: '/quick',
  query: 'stream=1',
  answerBytes: 400_000,
};
/** More than is kept in memory (64 KiB): through a file. */
const SPOOLED: RequestKind = { name: 'upload', method: 'POST', path: '/quick', bodyBytes: 100_000 };
const UPLOAD: RequestKind = { name: 'large upload', method: 'POST', path: '/quick', bodyBytes: 4_000_000 };

const MANY_QUICK = Array.from({ length: 10 }, () => [QUICK, QUICK_POST]).flat();
const SEQUENCE = [...MANY_QUICK, BUSY, SPOOLED, ...MANY_QUICK, LARGE, STREAM, ...MANY_QUICK, UPLOAD];

const SAY_EVERY_MS = 15_000;

export const mixed: Scenario = {
  name: 'mixed',
  title: 'gets, posts, uploads, pipelining, slow clients, clients that leave',
  run: (context) =>
    withSite({ flags: ['-w', '3'] }, async (site) => {
      const lastMs = context.short ? 10_000 : 600_000;
      const memory = new MemoryRecord(site, context.short ? 100 : 1000);
      const loads = [
        new Load(planOf(site.port, { connections: 24, sequence: SEQUENCE, slow: 6, rude: 6 })),
        new Load(planOf(site.port, { connections: 8, depth: 8, sequence: [...MANY_QUICK, BUSY, LARGE] })),
      ];
      let reports: LoadReport[];
      try {
        await lastFor(lastMs, loads, context);
        memory.stop();
        reports = await Promise.all(loads.map((load) => load.stop()));
      } finally {
        memory.stop();
        await Promise.all(loads.map((load) => load.destroy()));
      }
      const report = sumReports(reports);
      const checks = new Checks();
      checks.nothingLost(report);
      checks.atLeast('clients that left', 50, report.abandoned);
      const gateway = memory.growth('gatewayBytes');
      const workers = memory.growth('workersBytes');
      const most = context.short ? 1.5 : 1.1;
      checks.atMost(
        'gateway, last quarter / second quarter',
        most,
        gateway.lastQuarterBytes / gateway.secondQuarterBytes,
      );
      checks.atMost(
        'workers, last quarter / second quarter',
        most,
        workers.lastQuarterBytes / workers.secondQuarterBytes,
      );
      checks.that('the log has no XGI_INTERNAL', !site.log.includes('XGI_INTERNAL'), 'it has');
      const inMebibytes = (growth: typeof gateway): string =>
        `${formatMebibytes(growth.secondQuarterBytes)} → ${formatMebibytes(growth.lastQuarterBytes)} MiB, peak ${formatMebibytes(growth.peakBytes)}`;
      const figures = {
        gateway: inMebibytes(gateway),
        workers: inMebibytes(workers),
        left: report.abandoned,
      };
      return { load: report, checks: checks.list, figures };
    }),
};

async function lastFor(lastMs: number, loads: readonly Load[], { say }: Context): Promise<void> {
  const endMs = performance.now() + lastMs;
  while (performance.now() < endMs) {
    await sleep(Math.min(SAY_EVERY_MS, endMs - performance.now()));
    const { lost, wrong, ...report } = sumReports(await Promise.all(loads.map((load) => load.report())));
    say(`${answersOf({ lost, wrong, ...report })} answers, ${lost} lost, ${wrong} wrong`);
  }
}
