/** What every command prints: the circumstances, then its tables; and the raw results for `--json`. */
import { writeFileSync } from 'node:fs';
import type { Contender } from '../contenders/contender.js';
import type { BaseEnvironment } from '../environment/environment.js';
import { describeMachine } from '../environment/machine.js';
import { markdownTable } from './markdown-table.js';

export interface Report<On extends BaseEnvironment> {
  readonly environment: On;
  /** As it was typed. */
  readonly command: string;
  readonly workers: number;
  readonly taking: readonly Pick<Contender<never, On>, 'name' | 'version' | 'settings'>[];
  readonly absent: readonly Absence[];
  /** What has been measured, in Markdown. */
  readonly sections: readonly string[];
  readonly raw: unknown;
  readonly jsonFile: string | undefined;
}

/** A contender that did not take part. */
export interface Absence {
  readonly name: string;
  readonly reason: string;
}

export function printReport<On extends BaseEnvironment>(report: Report<On>): void {
  const sections = [circumstances(report), contenderTable(report), ...report.sections];
  process.stdout.write(`${sections.join('\n\n')}\n`);
  if (report.jsonFile === undefined) return;
  const { command, raw, environment, absent } = report;
  const content = { command, machine: describeMachine(environment), absent, results: raw };
  writeFileSync(report.jsonFile, `${JSON.stringify(content, null, 2)}\n`);
}

/** Progress is not part of the result. */
export function say(message: string): void {
  process.stderr.write(`${message}\n`);
}

function circumstances<On extends BaseEnvironment>({ environment, command }: Report<On>): string {
  const machine = describeMachine(environment);
  return [
    `Command: \`${command}\``,
    '',
    `Date: ${machine.date}. Machine: ${machine.cpu}, ${machine.cores} cores, ` +
      `${machine.memoryGibibytes} GiB, ${machine.kernel}; ${machine.runtimes.join(', ')}.`,
  ].join('\n');
}

function contenderTable<On extends BaseEnvironment>(report: Report<On>): string {
  const { environment, workers, taking, absent } = report;
  const rows = taking.map(({ name, version, settings }) => [name, version(environment), settings(workers)]);
  const table = markdownTable(['contender', 'version', 'set up'], rows, 3);
  const missing = absent.map(({ name, reason }) => `Not measured: ${name}: ${reason}`);
  return [table, ...missing].join('\n\n');
}
