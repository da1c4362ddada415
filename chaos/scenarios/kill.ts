/** SIGKILL of a random worker again and again: what was running in it gets 502, and nothing else is touched. */
import { setTimeout as sleep } from 'node:timers/promises';
import { QUICK, QUICK_POST, type RequestKind } from '../load/plan.js';
import { Checks, type Scenario } from '../scenario.js';
import { checkKills, settleKills } from '../server/kill-ledger.js';
import { underLoad, withSite } from '../under-load.js';

const INTERVAL_MS = 200;
/** Long enough that kills hit them. */
const BUSY: RequestKind = { name: 'busy', method: 'GET', path: '/busy', query: 'ms=3' };
/** The answer is there before the application is done with it, as Django's is: who has it may ask for the next thing. */
const CLOSING: RequestKind = { name: 'closing', method: 'GET', path: '/quick', query: 'close=3' };
const BUSY_POST: RequestKind = {
  name: 'busy post',
  method: 'POST',
  path: '/busy',
  query: 'ms=3',
  bodyBytes: 200,
};

export const kill: Scenario = {
  name: 'kill',
  title: 'SIGKILL of a random worker every 200 ms',
  run: ({ short, say }) =>
    withSite({ flags: ['-w', '8'], marks: true }, async (site) => {
      const killed: number[] = [];
      const sequence = [QUICK, QUICK_POST, QUICK, BUSY, CLOSING, BUSY_POST];
      const report = await underLoad(site, { sequence }, async (load) => {
        const endMs = performance.now() + (short ? 4000 : 30_000);
        while (performance.now() < endMs) {
          // The pace is that of the scenario.
          await sleep(INTERVAL_MS);
          const pids = site.servingPids().filter((pid) => !killed.includes(pid));
          const pid = pids[Math.floor(Math.random() * pids.length)];
          if (pid === undefined) continue;
          process.kill(pid, 'SIGKILL');
          killed.push(pid);
          if (killed.length % 25 === 0) say(`${killed.length} kills`);
        }
        await load.answersFurther(500);
      });
      const ledger = settleKills({ killed, runs: site.runs(), report, log: site.log });
      const checks = new Checks();
      checks.nothingLost(report, [200, 502]);
      checks.atLeast('kills', short ? 10 : 100, ledger.kills);
      checks.atLeast('kills that hit a running request', 1, ledger.running);
      checkKills(checks, ledger, report);
      const { kills, running, finished, claimed, idle } = ledger;
      return { load: report, checks: checks.list, figures: { kills, running, finished, claimed, idle } };
    }),
};
