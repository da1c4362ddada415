/** What a scenario is: trouble for a real xgi under load, and what must be true of it afterwards. */
import type { LoadReport } from './load/tally.js';

export interface Scenario {
  /** For the command line and the tables. */
  readonly name: string;
  /** What happens, in a few words. */
  readonly title: string;
  run(context: Context): Promise<Outcome>;
}

export interface Context {
  /** Seconds instead of minutes: the form inside `npm test`. */
  readonly short: boolean;
  /** Progress. */
  say(message: string): void;
}

export interface Outcome {
  readonly load: LoadReport;
  readonly checks: readonly Check[];
  /** Whatever else was measured. */
  readonly figures?: Readonly<Record<string, string | number>>;
}

/** A statement about what was observed. */
export interface Check {
  readonly what: string;
  readonly expected: string;
  readonly found: string;
  readonly ok: boolean;
}

/** Collects statements. */
export class Checks {
  readonly list: Check[] = [];

  equal(what: string, expected: string | number, found: string | number): void {
    this.#add(what, String(expected), String(found), expected === found);
  }

  atMost(what: string, limit: number, found: number): void {
    this.#add(what, `at most ${round(limit)}`, String(round(found)), found <= limit);
  }

  atLeast(what: string, limit: number, found: number): void {
    this.#add(what, `at least ${round(limit)}`, String(round(found)), found >= limit);
  }

  /** @param found what was seen instead */
  that(what: string, ok: boolean, found: string): void {
    this.#add(what, 'so', found, ok);
  }

  /** Every request was answered, once, by its own answer of status 200; nobody was refused. */
  nothingLost(report: LoadReport, statuses: readonly number[] = [200]): void {
    this.allAccounted(report);
    const other = Object.entries(report.answers).filter(([status]) => !statuses.includes(Number(status)));
    const found = other.map(([status, count]) => `${count} × ${status}`).join(', ') || 'none';
    this.equal(`answers that are not ${statuses.join(' or ')}`, 'none', found);
  }

  /** The same, whatever the status. */
  allAccounted(report: LoadReport): void {
    this.atLeast('requests sent', 1, report.sent);
    const { sent, lost, wrong, answers } = report;
    const answered = Object.values(answers).reduce((sum, count) => sum + count, 0);
    this.equal('requests of which nothing is known', 0, Math.max(0, sent - answered - lost - wrong));
    this.equal('lost', 0, report.lost);
    this.equal('wrong', 0, report.wrong);
    this.equal('refused', 0, report.refused);
  }

  #add(what: string, expected: string, found: string, ok: boolean): void {
    this.list.push({ what, expected, found, ok });
  }
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
