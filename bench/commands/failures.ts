/** What goes wrong with one contender is reported in place of its figures, and does not end the others' measurement. */
import { say } from '../report/report.js';

export interface Failure {
  readonly what: string;
  readonly message: string;
}

/** Adds what the work throws to the failures. */
export async function noting(failures: Failure[], what: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const { message } = error as Error;
    say(`${what}: ${message}`);
    failures.push({ what, message });
  }
}

export function failureSections(failures: readonly Failure[]): string[] {
  return failures.map(({ what, message }) => `Failed: ${what}: ${message}`);
}
