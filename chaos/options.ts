/** The command line of `npm run chaos`. */
import { parseArgs } from 'node:util';
import { scenarios } from './catalog.js';
import type { Scenario } from './scenario.js';

export interface Options {
  readonly scenarios: readonly Scenario[];
  readonly short: boolean;
  /** Results on standard output as JSON instead of a table. */
  readonly json: boolean;
  /** Another build of xgi. */
  readonly program: string | undefined;
}

export const usage = `usage: npm run chaos -- [SCENARIO ...] [flags]

Drives load against a real xgi, makes trouble, and counts what becomes of every request. Exit status 1 if anything is not as it must be.

scenarios (all, if none is named)
${scenarios.map(({ name, title }) => `  ${name.padEnd(16)} ${title}`).join('\n')}

flags
  --short       seconds instead of minutes, as in npm test
  --json        results as JSON
  --xgi FILE    another build's dist/cli/main.js
  --no-build    use what is built already
`;

/** @throws with a message for the user that says what was expected and what was received */
export function parseOptions(args: readonly string[]): Options {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      short: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      xgi: { type: 'string' },
      'no-build': { type: 'boolean', default: false },
    },
  });
  return {
    scenarios: positionals.length === 0 ? scenarios : positionals.map(scenarioNamed),
    short: values.short,
    json: values.json,
    program: values.xgi,
  };
}

function scenarioNamed(name: string): Scenario {
  const found = scenarios.find((scenario) => scenario.name === name);
  if (found) return found;
  throw new Error(
    `expected some of ${scenarios.map((one) => one.name).join(', ')}; received ${JSON.stringify(name)}`,
  );
}
