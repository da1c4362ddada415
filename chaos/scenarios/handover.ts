/** SIGUSR2: one xgi after another takes over the sockets, and nobody is refused or loses an answer. */
import { Load } from '../load/load.js';
import { planOf } from '../load/plan.js';
import { sumReports } from '../load/tally.js';
import { until } from '../poll.js';
import { probe } from '../probe.js';
import { Checks, type Scenario } from '../scenario.js';
import { underLoad, withSite } from '../under-load.js';

export const handover: Scenario = {
  name: 'handover',
  title: 'USR2, several in a row',
  run: ({ short, say }) =>
    withSite({ flags: ['-w', '2'] }, async (site) => {
      const handovers = short ? 3 : 20;
      const past: number[] = [];
      let served = site.pid;
      // Those that come anew for each request are the ones who could be refused.
      const anew = new Load(planOf(site.port, { connections: 8, closeEach: true }));
      const kept = await underLoad(site, {}, async (load) => {
        for (let round = 1; round <= handovers; round++) {
          site.writeVersion(`after-${round}`);
          site.signal('SIGUSR2', served);
          past.push(served);
          const last = served;
          served = await until('the successor to serve, and its predecessor to be gone', async () => {
            const { pid, state } = await site.status();
            const isGone = !site.processes().some((process) => process.pid === last);
            return pid !== last && state === 'ready' && isGone && pid;
          });
          await load.answersFurther(200);
          say(`${round} of ${handovers}: ${last} → ${served}`);
        }
      });
      const report = sumReports([kept, await anew.stop()]);
      const checks = new Checks();
      checks.nothingLost(report);
      checks.that('another process serves', !past.includes(served), String(served));
      const left = site.nodePids().filter((pid) => past.includes(pid));
      checks.equal('predecessors that are left', '', left.join(' '));
      checks.equal('the version at the end', `after-${handovers}`, (await probe(site.port)).version);
      checks.equal('worker processes at the end', 2, site.pythonPids().length);
      return { load: report, checks: checks.list, figures: { handovers } };
    }),
};
