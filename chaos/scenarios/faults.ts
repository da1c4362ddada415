/** Workers that end inside a request, by a signal, an exit or the lack of memory: it costs that request, and no other. */
import { Load, answersOf } from '../load/load.js';
import { planOf, type RequestKind } from '../load/plan.js';
import { sumReports } from '../load/tally.js';
import { until } from '../poll.js';
import { Checks, type Scenario } from '../scenario.js';
import { underLoad, withSite } from '../under-load.js';

interface Fault {
  readonly kind: RequestKind;
  readonly status: number;
  /** What the log has to say of it. */
  readonly log: readonly RegExp[];
}

const FAULTS: readonly Fault[] = [
  {
    kind: { name: 'segfault', method: 'GET', path: '/segfault' },
    status: 502,
    log: [/ended \(signal SIGSEGV/, /about to read address 0/],
  },
  {
    kind: { name: 'exit', method: 'POST', path: '/leave', bodyBytes: 20 },
    status: 502,
    log: [/ended \(status 3\)/, /about to leave with status 3/],
  },
  {
    kind: { name: 'killed', method: 'GET', path: '/kill' },
    status: 502,
    log: [/ended \(signal SIGKILL/, /about to be killed/],
  },
  // The worker survives this one.
  { kind: { name: 'out of memory', method: 'GET', path: '/memory' }, status: 500, log: [/MemoryError/] },
];

export const faults: Scenario = {
  name: 'faults',
  title: 'workers that die by SIGSEGV, exit, SIGKILL, or run out of memory',
  run: ({ short, say }) =>
    withSite({ flags: ['-w', '4'] }, async (site) => {
      const wanted = FAULTS.length * (short ? 3 : 25);
      const faulty = { connections: 2, sequence: FAULTS.map(({ kind }) => kind), maxRequests: wanted };
      let ofFaults: Awaited<ReturnType<Load['stop']>> | undefined;
      const ofOthers = await underLoad(site, {}, async (load) => {
        const trouble = new Load(planOf(site.port, faulty));
        try {
          await until(
            'all faults',
            async () => {
              const report = await trouble.report();
              say(`${answersOf(report)} of ${wanted} faults`);
              return answersOf(report) + report.lost + report.wrong >= wanted;
            },
            { limitMs: 120_000, everyMs: 1000 },
          );
          ofFaults = await trouble.stop();
        } finally {
          await trouble.destroy();
        }
        await load.answersFurther(500);
      });
      const checks = new Checks();
      checks.nothingLost(ofOthers);
      checks.allAccounted(ofFaults!);
      for (const { kind, status, log } of FAULTS) {
        const answers = Object.entries(ofFaults!.kinds).filter(([name]) => name.startsWith(`${kind.name} `));
        checks.equal(
          `answers to ${kind.name}`,
          `${kind.name} ${status}`,
          answers.map(([name]) => name).join(', '),
        );
        for (const pattern of log)
          checks.that(`the log has ${pattern}`, pattern.test(site.log), 'it does not');
      }
      return { load: sumReports([ofOthers, ofFaults!]), checks: checks.list, figures: { faults: wanted } };
    }),
};
