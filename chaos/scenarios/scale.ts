/** More workers and fewer ones, by signals and by the control socket: nobody notices. */
import { Checks, type Scenario } from '../scenario.js';
import { underLoad, withSite } from '../under-load.js';

export const scale: Scenario = {
  name: 'scale',
  title: 'TTIN and TTOU, scale 1 → 8 → 1, 1..8',
  run: ({ short, say }) =>
    withSite({ flags: ['-w', '1'] }, async (site) => {
      const rounds = short ? 1 : 10;
      let grownTo = 0;
      const report = await underLoad(site, {}, async (load) => {
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
        await load.answersFurther(short ? 2000 : 20_000);
        grownTo = site.pythonPids().length;
        await site.scale('1');
        await site.untilWorkers(1);
      });
      const checks = new Checks();
      checks.nothingLost(report);
      checks.atLeast('worker processes that have answered', 1 + 10 * rounds, report.pids.length);
      checks.atLeast('workers under load with 1..8', 2, grownTo);
      return { load: report, checks: checks.list, figures: { rounds, 'workers of 1..8': grownTo } };
    }),
};
