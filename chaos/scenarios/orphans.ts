/** SIGKILL of the process that was started, while requests run: a few seconds later no process of it is left. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Load } from '../load/load.js';
import { planOf, QUICK, type RequestKind } from '../load/plan.js';
import { Tally } from '../load/tally.js';
import { Checks, type Scenario } from '../scenario.js';
import { withSite } from '../under-load.js';

const CONFIGURATIONS = [
  { name: 'plain', flags: [], short: true },
  { name: 'threads', flags: ['--threads', '4'], short: false },
  { name: '--preload', flags: ['--preload'], short: false },
  { name: '--gateways 2', flags: ['--gateways', '2'], short: false },
  { name: '--gateways 2 --preload', flags: ['--gateways', '2', '--preload'], short: true },
] as const;

/** Workers are to end inside this one, too. */
const WAIT: RequestKind = { name: 'wait', method: 'GET', path: '/wait', query: 'ms=20000' };
const LIMIT_MS = 5000;
const POLL_MS = 20;

export const orphans: Scenario = {
  name: 'orphans',
  title: 'SIGKILL of the gateway',
  async run({ short, say }) {
    const checks = new Checks();
    const figures: Record<string, string | number> = {};
    const configurations = short ? CONFIGURATIONS.filter((one) => one.short) : CONFIGURATIONS;
    for (const { name, flags } of configurations) {
      const { processes, left, goneMs } = await killGateway(flags);
      checks.atLeast(`${name}: processes before`, 5, processes);
      checks.equal(`${name}: left after ${LIMIT_MS / 1000} s`, '', left.join(' '));
      figures[name] = `${processes} processes gone after ${Math.round(goneMs)} ms`;
      say(`${name}: ${figures[name]}`);
    }
    // Clients of a server that is killed lose what they had asked: there is nothing to be counted.
    return { load: new Tally().report(), checks: checks.list, figures };
  },
};

function killGateway(
  flags: readonly string[],
): Promise<{ processes: number; left: string[]; goneMs: number }> {
  return withSite({ flags: ['-w', '4', ...flags] }, async (site) => {
    const loads = [
      new Load(planOf(site.port, { stopWhenRefused: true, sequence: [QUICK] })),
      new Load(planOf(site.port, { stopWhenRefused: true, sequence: [WAIT], connections: 2 })),
    ];
    try {
      await loads[0]!.answersFurther(500);
      const processes = site.processes().length;
      site.signal('SIGKILL');
      const killedMs = performance.now();
      let left = site.processes();
      while (left.length > 0 && performance.now() < killedMs + LIMIT_MS) {
        await sleep(POLL_MS);
        left = site.processes();
      }
      const goneMs = performance.now() - killedMs;
      return { processes, left: left.map(({ program, pid }) => `${program}:${pid}`), goneMs };
    } finally {
      await Promise.all(loads.map((load) => load.destroy()));
    }
  });
}
