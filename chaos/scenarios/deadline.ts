/**
 * One request in 50 sleeps past its deadline: exactly those get 504, and the others hardly notice.
 *
 * Each of 32 connections that send without pause comes to such a request before long, and then all of them sit in one most of the time. The
 * others can go on unhindered only where there is a slot for each: 2 workers of 32 threads, or 40 workers of one.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { QUICK, type RequestKind } from '../load/plan.js';
import { sumReports, type LoadReport } from '../load/tally.js';
import { Checks, type Context, type Scenario } from '../scenario.js';
import { underLoad, withSite } from '../under-load.js';

const CONFIGURATIONS = [
  { name: '2 workers of 32 threads', flags: ['-w', '2', '--threads', '32'] },
  { name: '40 workers of one thread', flags: ['-w', '40'] },
] as const;

const TIMEOUT = '1s';
/** Three times the deadline. */
const SLEEPER: RequestKind = { name: 'sleeper', method: 'GET', path: '/wait', query: 'ms=3000' };
const SEQUENCE = [SLEEPER, ...Array.from({ length: 49 }, () => QUICK)];
const MAX_RATIO = 10;

export const deadline: Scenario = {
  name: 'deadline',
  title: 'one request in 50 sleeps past its deadline',
  async run(context) {
    const checks = new Checks();
    const reports: LoadReport[] = [];
    const figures: Record<string, string | number> = {};
    for (const { name, flags } of CONFIGURATIONS) {
      context.say(name);
      const { without, withSleepers } = await measure(flags, context);
      reports.push(without, withSleepers);
      checks.nothingLost(without);
      checks.allAccounted(withSleepers);
      const { 'quick 200': quick = 0, 'sleeper 504': late = 0, ...others } = withSleepers.kinds;
      checks.equal(
        `${name}: neither a quick request with 200 nor a sleeper with 504`,
        '{}',
        JSON.stringify(others),
      );
      checks.atLeast(`${name}: sleepers`, 32, late);
      checks.atLeast(`${name}: quick requests`, late, quick);
      const p99Ms = withSleepers.latency['quick']?.p99Ms ?? NaN;
      const p99WithoutMs = without.latency['quick']?.p99Ms ?? NaN;
      checks.atMost(`${name}: p99 of the others in ms`, MAX_RATIO * p99WithoutMs, p99Ms);
      figures[name] = `p99 ${p99Ms} ms, ${p99WithoutMs} ms without; ${late} sleepers`;
    }
    return { load: sumReports(reports), checks: checks.list, figures };
  },
};

function measure(
  flags: readonly string[],
  { short }: Context,
): Promise<{ without: LoadReport; withSleepers: LoadReport }> {
  return withSite({ flags: [...flags, '--timeout', TIMEOUT] }, async (site) => {
    const lastMs = short ? 3000 : 20_000;
    // Both for a given time, not for a number of requests: a slower run would otherwise be a longer one.
    const without = await underLoad(site, { sequence: [QUICK] }, () => sleep(lastMs / 2));
    const withSleepers = await underLoad(site, { sequence: SEQUENCE }, () => sleep(lastMs));
    return { without, withSleepers };
  });
}
