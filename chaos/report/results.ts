/** What a run has found: a table of all scenarios, then what was not as it must be. */
import { formatCount, formatMilliseconds, formatNumber } from '../../bench/report/figures.js';
import { markdownTable } from '../../bench/report/markdown-table.js';
import { answersOf } from '../load/load.js';
import type { LoadReport } from '../load/tally.js';
import type { Check } from '../scenario.js';

export interface Result {
  readonly scenario: string;
  readonly title: string;
  readonly ok: boolean;
  readonly seconds: number;
  /** Undefined if the scenario did not come to its end. */
  readonly load: LoadReport | undefined;
  readonly checks: readonly Check[];
  readonly figures: Readonly<Record<string, string | number>>;
  /** Why it did not come to its end. */
  readonly error: string | undefined;
}

const HEADING = [
  ...[
    'scenario',
    'sent',
    'answered',
    'lost',
    'wrong',
    'refused',
    '502',
    '504',
    'other',
    'p99 ms',
    'seconds',
    'verdict',
  ],
];

export function resultTable(results: readonly Result[]): string {
  return markdownTable(HEADING, results.map(rowOf));
}

function rowOf({ scenario, load, seconds, ok }: Result): string[] {
  const verdict = ok ? 'ok' : 'FAILED';
  if (load === undefined)
    return [scenario, ...Array.from({ length: 9 }, () => '–'), formatNumber(seconds, 1), verdict];
  const { answers, sent, lost, wrong, refused } = load;
  const { '200': fine = 0, '502': died = 0, '504': late = 0 } = answers;
  const answered = answersOf(load);
  const counts = [sent, answered, lost, wrong, refused, died, late, answered - fine - died - late];
  const p99Ms = load.latency['all']?.p99Ms ?? NaN;
  return [scenario, ...counts.map(formatCount), formatMilliseconds(p99Ms), formatNumber(seconds, 1), verdict];
}

/** What else was measured. */
export function figuresOf(results: readonly Result[]): string {
  return results
    .filter(({ figures }) => Object.keys(figures).length > 0)
    .map(({ scenario, figures }) => {
      const parts = Object.entries(figures).map(([name, value]) => `${name} ${value}`);
      return `${scenario}: ${parts.join('; ')}`;
    })
    .join('\n');
}

/** Undefined if all is as it must be. */
export function complaintsOf(results: readonly Result[]): string | undefined {
  const failed = results.filter(({ ok }) => !ok);
  if (failed.length === 0) return undefined;
  return failed
    .map(({ scenario, checks, load, error }) => {
      const wrong = checks
        .filter(({ ok }) => !ok)
        .map(
          ({ what, expected, found }) => `  ${what}: expected ${quoted(expected)}, found ${quoted(found)}`,
        );
      const complaints = load?.complaints.map((complaint) => `  ${complaint}`) ?? [];
      return [`${scenario}:`, ...(error ? [`  ${error}`] : []), ...wrong, ...complaints].join('\n');
    })
    .join('\n');
}

function quoted(text: string): string {
  return text === '' ? 'nothing' : text;
}
