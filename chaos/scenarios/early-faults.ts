/** A worker that dies while its siblings still boot is like any other that dies: it costs its request, and not the service. */
import { Load } from '../load/load.js';
import { planOf, QUICK, type RequestKind } from '../load/plan.js';
import { sumReports } from '../load/tally.js';
import { Checks, type Scenario } from '../scenario.js';
import { until } from '../poll.js';
import { withSite } from '../under-load.js';

const EXIT: RequestKind = { name: 'exit', method: 'POST', path: '/leave', bodyBytes: 20 };
const WORKERS = 12;

export const earlyFaults: Scenario = {
  name: 'early-faults',
  title: 'workers that die before all have booted',
  run: () =>
    withSite({ flags: ['-w', String(WORKERS)], early: true }, async (site) => {
      const faults = new Load(planOf(site.port, { connections: 1, sequence: [EXIT], maxRequests: 3 }));
      const load = new Load(planOf(site.port, { sequence: [QUICK] }));
      try {
        await until(
          'three faults',
          async () => site.hasExited || (await faults.report()).failures.length === 3,
        );
        if (!site.hasExited) await load.answersFurther(500);
        const reports = [await faults.stop(), await load.stop()] as const;
        const checks = new Checks();
        checks.that('xgi goes on', !site.hasExited, 'it has ended');
        checks.allAccounted(reports[0]);
        checks.equal('faults with 502', 3, reports[0].answers['502'] ?? 0);
        checks.nothingLost(reports[1]);
        if (!site.hasExited) await site.untilWorkers(WORKERS);
        return { load: sumReports(reports), checks: checks.list };
      } finally {
        await Promise.all([faults.destroy(), load.destroy()]);
      }
    }),
};
