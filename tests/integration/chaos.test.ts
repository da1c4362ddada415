/**
 * The short form of `npm run chaos`: each scenario drives load against the built command line, makes trouble, and counts what becomes
 * of every request. docs/operate/chaos.md says what they do; this runs the same program, and asks for the same zeros.
 */
import path from 'node:path';
import { afterEach, beforeAll, expect, test } from 'vitest';
import { scenarios } from '../../chaos/catalog.js';
import type { Result } from '../../chaos/report/results.js';
import { repository } from '../support/paths.js';
import { Program, run } from '../support/process.js';
import { isMissing } from '../support/test-env.js';

const program = path.join(repository, 'dist-chaos/chaos/program.js');
const NEEDS: Readonly<Record<string, string>> = { 'preload-restart': 'Django' };

let suite: Program | undefined;

beforeAll(async () => {
  const tsc = path.join(repository, 'node_modules/typescript/bin/tsc');
  const built = await run(process.execPath, [tsc, '-p', path.join(repository, 'chaos/tsconfig.json')]);
  expect(built).toMatchObject({ code: 0, stdout: '' });
});

afterEach(async () => {
  // One that has not ended, because the test took too long, ends what it has started.
  if (suite?.child.exitCode === null) await suite.stop('SIGTERM');
  suite = undefined;
});

for (const { name, title } of scenarios) {
  test.skipIf(isMissing(NEEDS[name] ?? ''))(`${name}: ${title}`, { timeout: 120_000 }, async () => {
    suite = new Program(process.execPath, [program, name, '--short', '--json']);
    await suite.exited;
    const [result] = JSON.parse(suite.stdout || '[]') as Result[];
    expect(result, suite.output).toBeDefined();
    expect(result!.error).toBeUndefined();
    const { scenario, checks, load } = result!;
    expect({ scenario, wrong: checks.filter(({ ok }) => !ok), complaints: load?.complaints }).toEqual({
      scenario: name,
      wrong: [],
      complaints: [],
    });
    expect(checks.length).toBeGreaterThan(0);
  });
}
