/**
 * What SIGKILLs of workers have cost, told by what the application had noted (apps/marks.py) and by what the client got; xgi is
 * asked only for what neither can know.
 *
 * A worker of one thread runs one request at a time, so its last note tells where it was when it was killed:
 *
 *  * It had begun a request and not ended it. That request was running: it has to have had 502.
 *  * It had ended a request. The answer had reached the gateway, and the client has it; or it had not, and died with the worker. The
 *    worker had claimed nothing else since (docs/protocol.md, "Started, not started"), so this one has to have had 502: "finished".
 *  * It had claimed a request and not come to the application's first line: no process has a note of it. It may have been started, as
 *    the gateway sees it: 502. Here the log of xgi tells whose it was: "claimed".
 *
 * So every 502 belongs to exactly one kill, no kill has two, and no kill that hit a running request has none: the numbers are equal, without
 * a tolerance. And no request with side effects (POST) is begun twice, in whatever process.
 */
import type { LoadReport } from '../load/tally.js';
import type { Checks } from '../scenario.js';

export interface KillLedger {
  readonly kills: number;
  /** Kills that hit a request, by where it was. */
  readonly running: number;
  readonly finished: number;
  readonly claimed: number;
  /** Kills that hit none. */
  readonly idle: number;
  /** Requests with 502 that belong to no kill, or to a kill that has another one. */
  readonly unexplained: readonly string[];
  /** Requests that were running in a killed worker and had no 502. */
  readonly unpunished: readonly string[];
  /** Requests with side effects that were begun more than once. */
  readonly repeated: readonly string[];
}

export interface KillEvidence {
  readonly killed: readonly number[];
  /** By process, see `Site.runs`. */
  readonly runs: ReadonlyMap<number, readonly string[]>;
  readonly report: LoadReport;
  readonly log: string;
}

const DIED = /XGI_WORKER_DIED: worker (\d+) ended .*[?&]id=([a-z0-9-]+)/g;

export function settleKills({ killed, runs, report, log }: KillEvidence): KillLedger {
  const unexplained = new Set(report.failures.filter(({ status }) => status === 502).map(({ id }) => id));
  const begun = countBegun(runs);
  const claimedBy = claimedByProcess(log, begun);
  const count = { running: 0, finished: 0, claimed: 0, idle: 0 };
  const unpunished: string[] = [];
  for (const pid of killed) {
    const [kind, id = ''] = runs.get(pid)?.at(-1)?.split(' ') ?? [];
    const claimed = claimedBy.get(pid) ?? '';
    if (kind === 'S') {
      count.running++;
      if (!unexplained.delete(id)) unpunished.push(id);
    } else if (unexplained.delete(id)) count.finished++;
    else if (unexplained.delete(claimed)) count.claimed++;
    else count.idle++;
  }
  const repeated = [...begun].filter(([, { posts }]) => posts > 1).map(([id]) => id);
  return { kills: killed.length, ...count, unexplained: [...unexplained], unpunished, repeated };
}

export function checkKills(checks: Checks, ledger: KillLedger, report: LoadReport): void {
  const { running, finished, claimed, unexplained, unpunished, repeated } = ledger;
  checks.equal(
    'answers 502, against kills that hit a request (running + finished + claimed)',
    running + finished + claimed,
    report.answers['502'] ?? 0,
  );
  checks.equal('502 without a kill of its own', '', unexplained.slice(0, 5).join(' '));
  checks.equal('running in a killed worker, without 502', '', unpunished.slice(0, 5).join(' '));
  checks.equal('POST requests begun twice', '', repeated.slice(0, 5).join(' '));
  const codes = new Set(report.failures.map(({ code }) => code));
  codes.delete('XGI_WORKER_DIED');
  checks.equal('codes other than XGI_WORKER_DIED', '', [...codes].join(' '));
}

interface Begun {
  all: number;
  posts: number;
}

function countBegun(runs: ReadonlyMap<number, readonly string[]>): Map<string, Begun> {
  const begun = new Map<string, Begun>();
  for (const notes of runs.values()) {
    for (const note of notes) {
      if (!note.startsWith('S ')) continue;
      const [, id = '', method] = note.split(' ');
      const counts = begun.get(id) ?? { all: 0, posts: 0 };
      counts.all++;
      if (method === 'POST') counts.posts++;
      begun.set(id, counts);
    }
  }
  return begun;
}

/** Requests that died with a worker before the application had noted them. */
function claimedByProcess(log: string, begun: ReadonlyMap<string, Begun>): Map<number, string> {
  const claimed = new Map<number, string>();
  for (const [, pid, id = ''] of log.matchAll(DIED)) if (!begun.has(id)) claimed.set(Number(pid), id);
  return claimed;
}
