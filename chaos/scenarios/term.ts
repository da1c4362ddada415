/** SIGTERM under load: what was accepted is answered, then connections are refused, and xgi ends with status 0. */
import { Load } from '../load/load.js';
import { planOf, QUICK, QUICK_POST, type RequestKind } from '../load/plan.js';
import { sumReports, type LoadReport } from '../load/tally.js';
import { Checks, type Scenario } from '../scenario.js';
import { withSite } from '../under-load.js';

const BUSY: RequestKind = { name: 'busy', method: 'POST', path: '/busy', query: 'ms=5', bodyBytes: 200 };
const EXIT_LIMIT_MS = 10_000;

export const term: Scenario = {
  name: 'term',
  title: 'SIGTERM',
  async run({ short, say }) {
    const checks = new Checks();
    const reports: LoadReport[] = [];
    const rounds = short ? 4 : 20;
    for (let round = 1; round <= rounds; round++) {
      const { report, exit } = await endUnderLoad(round % 2 === 0 ? 4 : 1);
      reports.push(report);
      if (exit !== 'status 0') checks.equal(`round ${round}: exit`, 'status 0', exit);
      if (round % 5 === 0) say(`${round} of ${rounds} rounds`);
    }
    const report = sumReports(reports);
    checks.equal('lost', 0, report.lost);
    checks.equal('wrong', 0, report.wrong);
    const answers = Object.keys(report.answers).join(', ');
    checks.equal('statuses', '200', answers);
    checks.atLeast('refused at the end', rounds, report.refused);
    return { load: report, checks: checks.list, figures: { rounds } };
  },
};

/** @param depth 1, or more for pipelining */
function endUnderLoad(depth: number): Promise<{ report: LoadReport; exit: string }> {
  return withSite({ flags: ['-w', '2'] }, async (site) => {
    const sequence = [QUICK, QUICK_POST, BUSY];
    const load = new Load(planOf(site.port, { sequence, depth, stopWhenRefused: true }));
    try {
      await load.answersFurther(300);
      const begunMs = performance.now();
      site.signal('SIGTERM');
      const late = new Promise<undefined>((resolve) =>
        setTimeout(() => resolve(undefined), EXIT_LIMIT_MS).unref(),
      );
      const exit = await Promise.race([site.exited, late]);
      const report = await load.stop();
      const seconds = (performance.now() - begunMs) / 1000;
      if (exit === undefined) return { report, exit: `none after ${seconds.toFixed(1)} s` };
      return { report, exit: exit.signal ?? `status ${exit.code}` };
    } finally {
      await load.destroy();
    }
  });
}
