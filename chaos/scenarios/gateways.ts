/** Two gateway processes: reload, scale and TERM act on both, and lose nothing. */
import { Load } from '../load/load.js';
import { planOf } from '../load/plan.js';
import { sumReports } from '../load/tally.js';
import { probe } from '../probe.js';
import { Checks, type Scenario } from '../scenario.js';
import { underLoad, withSite } from '../under-load.js';

/** Enough that both gateways are asked, whoever of them accepts the first. */
const PROBES = 20;

export const gateways: Scenario = {
  name: 'gateways',
  title: '--gateways 2: reload, scale, TERM',
  run: ({ short, say }) =>
    withSite({ flags: ['--gateways', '2', '-w', '4'] }, async (site) => {
      const rounds = short ? 2 : 20;
      const checks = new Checks();
      const during = await underLoad(site, {}, async (load) => {
        for (let round = 1; round <= rounds; round++) {
          site.writeVersion(String(round + 1));
          checks.that('the reload succeeds', (await site.reload()).ok, 'it does not');
          for (const workers of [8, 2, 4]) {
            await site.scale(String(workers));
            await site.untilWorkers(workers);
          }
          await load.answersFurther(200);
          if (round % 5 === 0) say(`${round} of ${rounds} rounds`);
        }
      });
      checks.nothingLost(during);
      checks.equal('gateways in the status', 2, (await site.status()).gateways.length);
      const versions = new Set<string>();
      for (let n = 0; n < PROBES; n++) versions.add((await probe(site.port)).version);
      checks.equal('versions at the end', String(rounds + 1), [...versions].join(' '));

      const load = new Load(planOf(site.port, { stopWhenRefused: true }));
      try {
        await load.answersFurther(500);
        site.signal('SIGTERM');
        await site.exited;
        const atEnd = await load.stop();
        checks.equal('TERM: lost', 0, atEnd.lost);
        checks.equal('TERM: wrong', 0, atEnd.wrong);
        checks.equal('TERM: statuses', '200', Object.keys(atEnd.answers).join(' '));
        checks.equal('TERM: processes that are left', 0, site.processes().length);
        return { load: sumReports([during, atEnd]), checks: checks.list, figures: { rounds } };
      } finally {
        await load.destroy();
      }
    }),
};
