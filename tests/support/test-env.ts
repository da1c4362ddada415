/** What `scripts/setup-tests.mjs` found or installed on this machine. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { repository } from './paths.js';

interface TestEnvironment {
  /** The interpreter that imports Flask and Django; null if there is none. */
  readonly python: string | null;
  readonly skipped: readonly { readonly name: string; readonly reason: string }[];
}

function readEnvironment(): TestEnvironment {
  const report = path.join(repository, '.test-env/report.json');
  try {
    return JSON.parse(readFileSync(report, 'utf8')) as TestEnvironment;
  } catch (cause) {
    throw new Error('the test environment is not set up; run: node scripts/setup-tests.mjs', { cause });
  }
}

export const testEnvironment = readEnvironment();

/**
 * True if the set-up could not provide that requirement, by the name it is reported under (`Flask`,
 * `curl`). For `describe.skipIf`: the run then counts the tests as skipped, and fails in CI.
 */
export function isMissing(name: string): boolean {
  return testEnvironment.skipped.some((skip) => skip.name === name);
}

/** The interpreter of the private virtual environment. Throws if there is none. */
export function testPython(): string {
  if (testEnvironment.python === null) throw new Error('the set-up found no usable Python');
  return testEnvironment.python;
}
