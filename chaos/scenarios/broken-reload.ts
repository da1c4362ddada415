/** Reloads to code that cannot be loaded: the old code goes on and says why; then good code takes its place. */
import { probe } from '../probe.js';
import { Checks, type Scenario } from '../scenario.js';
import { underLoad, withSite } from '../under-load.js';

/** What is written into `version.py`, and what the traceback has to say, if there is one. */
const BROKEN = [
  { name: 'a syntax error', code: 'VERSION = (\n', says: /SyntaxError/ },
  { name: 'an exception', code: 'raise RuntimeError("not today")\n', says: /RuntimeError: not today/ },
  { name: 'a name that is missing', code: '\n', says: /VERSION/ },
  { name: 'an exit', code: 'import os\nos._exit(7)\n', says: /\b7\b/ },
] as const;

export const brokenReload: Scenario = {
  name: 'broken-reload',
  title: 'reloads to broken code, then to good code',
  run: ({ short, say }) =>
    withSite({ flags: ['-w', '2'] }, async (site) => {
      const checks = new Checks();
      const rounds = short ? 1 : 5;
      let serving = '1';
      const report = await underLoad(site, {}, async (load) => {
        for (let round = 1; round <= rounds; round++) {
          for (const { name, code, says } of BROKEN) {
            say(name);
            site.write('version.py', code);
            const { ok, failure } = await site.reload();
            checks.equal(`${name}: the reload`, 'fails', ok ? 'succeeds' : 'fails');
            const told = `${failure?.message}\n${failure?.traceback}`;
            checks.that(`${name}: status says why`, says.test(told), told);
            await load.answersFurther(200);
            checks.equal(`${name}: what serves`, serving, (await probe(site.port)).version);
          }
          serving = `good-${round}`;
          site.writeVersion(serving);
          checks.that('the reload to good code succeeds', (await site.reload()).ok, 'it does not');
          await load.answersFurther(200);
          checks.equal('what serves after good code', serving, (await probe(site.port)).version);
        }
      });
      checks.nothingLost(report);
      checks.equal('versions that have answered', rounds + 1, Object.keys(report.versions).length);
      checks.that('the log has the traceback', /SyntaxError/.test(site.log), 'it has not');
      return { load: report, checks: checks.list, figures: { 'broken reloads': rounds * BROKEN.length } };
    }),
};
