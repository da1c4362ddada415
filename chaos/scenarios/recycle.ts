/**
 * Workers are replaced after every 50 requests: nobody notices. A worker goes on until its successor serves, so how many requests each has
 * in the end depends on how long an interpreter takes to start; with --preload it is forked instead.
 */
import { answersOf } from '../load/load.js';
import { sumReports, type LoadReport } from '../load/tally.js';
import { until } from '../poll.js';
import { Checks, type Context, type Scenario } from '../scenario.js';
import type { Totals } from '../server/control.js';
import { underLoad, withSite } from '../under-load.js';

const LIMIT = ['--max-requests', '50', '--max-requests-jitter', '10'];
const CONFIGURATIONS = [
  { name: 'plain', flags: ['-w', '4', ...LIMIT] },
  { name: '--preload', flags: ['-w', '4', '--preload', ...LIMIT] },
] as const;

export const recycle: Scenario = {
  name: 'recycle',
  title: '--max-requests 50, 50,000 requests',
  async run(context) {
    const requests = context.short ? 3000 : 50_000;
    const checks = new Checks();
    const reports: LoadReport[] = [];
    const figures: Record<string, string> = {};
    for (const { name, flags } of CONFIGURATIONS) {
      const { report, totals } = await send(requests, flags, context);
      reports.push(report);
      checks.nothingLost(report);
      checks.atLeast(`${name}: requests`, requests, report.sent);
      checks.atLeast(`${name}: workers that were recycled`, context.short ? 1 : 20, totals.recycled);
      checks.equal(`${name}: workers that crashed`, 0, totals.crashed);
      const perWorker = Math.round(report.sent / Math.max(1, report.pids.length));
      figures[name] = `${totals.recycled} recycled, ${perWorker} requests for each worker`;
      context.say(`${name}: ${figures[name]}`);
    }
    return { load: sumReports(reports), checks: checks.list, figures };
  },
};

function send(
  requests: number,
  flags: readonly string[],
  { say }: Context,
): Promise<{ report: LoadReport; totals: Totals }> {
  return withSite({ flags }, async (site) => {
    let said = 0;
    const report = await underLoad(site, { maxRequests: requests }, async (load) => {
      const isOver = async (): Promise<boolean> => {
        const now = await load.report();
        if (answersOf(now) >= said + 10_000) say(`${(said = answersOf(now))} answers`);
        return answersOf(now) + now.lost + now.wrong >= requests;
      };
      await until(`${requests} answers`, isOver, { limitMs: 600_000, everyMs: 200 });
    });
    const [gateway] = (await site.status()).gateways;
    return { report, totals: gateway!.totals };
  });
}
