/** Reloads by SIGHUP, one after another and then many at once: nobody notices, and in the end the last code serves. */
import { probe } from '../probe.js';
import { until } from '../poll.js';
import { Checks, type Scenario } from '../scenario.js';
import { underLoad, withSite } from '../under-load.js';

const WORKERS = 2;
const BURST = 20;

export const reload: Scenario = {
  name: 'reload',
  title: '100 reloads by SIGHUP in a row, then 20 signals at once',
  run: ({ short, say }) =>
    withSite({ flags: ['-w', String(WORKERS)] }, async (site) => {
      const reloads = short ? 8 : 100;
      let failed = 0;
      let slowestMs = 0;
      const report = await underLoad(site, {}, async (load) => {
        for (let version = 2; version < 2 + reloads; version++) {
          site.writeVersion(String(version));
          const beganMs = performance.now();
          if (!(await site.reload()).ok) failed++;
          slowestMs = Math.max(slowestMs, performance.now() - beganMs);
          if (version % 20 === 0) say(`${version} reloads`);
        }
        site.writeVersion('last');
        for (let n = 0; n < BURST; n++) site.signal('SIGHUP');
        await until('the last code everywhere', async () => (await site.status()).state === 'ready');
        await load.answersFurther(500);
      });
      const checks = new Checks();
      checks.nothingLost(report);
      checks.equal('reloads that failed', 0, failed);
      checks.equal('versions that have answered', reloads + 2, Object.keys(report.versions).length);
      checks.equal('the version at the end', 'last', (await probe(site.port)).version);
      await site.untilWorkers(WORKERS);
      checks.equal('worker processes at the end', WORKERS, site.pythonPids().length);
      return {
        load: report,
        checks: checks.list,
        figures: { reloads, 'slowest reload, ms': Math.round(slowestMs) },
      };
    }),
};
