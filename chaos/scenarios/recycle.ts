/** Workers are replaced after every 50 requests: nobody notices. */
import { answersOf } from '../load/load.js';
import { Checks, type Scenario } from '../scenario.js';
import { until } from '../poll.js';
import { underLoad, withSite } from '../under-load.js';

export const recycle: Scenario = {
  name: 'recycle',
  title: '--max-requests 50, 50,000 requests',
  run: ({ short, say }) =>
    withSite({ flags: ['-w', '4', '--max-requests', '50', '--max-requests-jitter', '10'] }, async (site) => {
      const requests = short ? 4000 : 50_000;
      let saidAt = 0;
      const report = await underLoad(site, { maxRequests: requests }, (load) =>
        until(
          `${requests} answers`,
          async () => {
            const now = await load.report();
            if (answersOf(now) >= saidAt + 10_000) say(`${(saidAt = answersOf(now))} answers`);
            return answersOf(now) + now.lost + now.wrong >= requests;
          },
          { limitMs: 600_000, everyMs: 200 },
        ).then(() => {}),
      );
      const { gateways } = await site.status();
      const recycled = gateways.reduce((sum, { totals }) => sum + totals.recycled, 0);
      const crashed = gateways.reduce((sum, { totals }) => sum + totals.crashed, 0);
      const checks = new Checks();
      checks.nothingLost(report);
      checks.atLeast('requests', requests, report.sent);
      checks.atLeast('workers that were recycled', 1, recycled);
      checks.equal('workers that crashed', 0, crashed);
      const perWorker = Math.round(report.sent / Math.max(1, report.pids.length));
      return {
        load: report,
        checks: checks.list,
        figures: { recycled, 'requests for each worker': perWorker },
      };
    }),
};
