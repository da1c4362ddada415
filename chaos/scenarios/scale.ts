/** More workers and fewer ones, by signals and by the control socket: nobody notices. */
import { Load } from '../load/load.js';
import { planOf, type RequestKind } from '../load/plan.js';
import { sumReports, type LoadReport } from '../load/tally.js';
import { until } from '../poll.js';
import { Checks, type Scenario } from '../scenario.js';
import { underLoad, withSite } from '../under-load.js';

/** Makes others wait. */
const WAIT: RequestKind = { name: 'wait', method: 'GET', path: '/wait', query: 'ms=20' };

export const scale: Scenario = {
  name: 'scale',
  title: 'TTIN and TTOU, scale 1 → 8 → 1, 1..8',
  run: ({ short, say }) =>
    withSite({ flags: ['-w', '1'] }, async (site) => {
      const rounds = short ? 1 : 10;
      const reports: LoadReport[] = [];
      let grownTo = 0;
      const steady = await underLoad(site, {}, async (load) => {
        for (let round = 1; round <= rounds; round++) {
          for (const workers of [2, 3, 4]) {
            site.signal('SIGTTIN');
            await site.untilWorkers(workers);
          }
          for (const workers of [3, 2, 1]) {
            site.signal('SIGTTOU');
            await site.untilWorkers(workers);
          }
          for (const workers of [8, 1]) {
            await site.scale(String(workers));
            await site.untilWorkers(workers);
            await load.answersFurther(200);
          }
          say(`${round} of ${rounds} rounds`);
        }
        // As many as the load needs, which is its own affair.
        await site.scale('1..8');
        const waiting = new Load(planOf(site.port, { sequence: [WAIT] }));
        try {
          grownTo = await until(
            'more workers',
            () => site.pythonPids().length > 4 && site.pythonPids().length,
          );
          reports.push(await waiting.stop());
        } finally {
          await waiting.destroy();
        }
        await load.answersFurther(200);
        await site.scale('1');
        await site.untilWorkers(1);
      });
      const report = sumReports([steady, ...reports]);
      const checks = new Checks();
      checks.nothingLost(report);
      checks.atLeast('worker processes that have answered', 1 + 10 * rounds, report.pids.length);
      return { load: report, checks: checks.list, figures: { rounds, '1..8 grew to': grownTo } };
    }),
};
