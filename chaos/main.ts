/** `npm run chaos`: runs the scenarios one after another, and makes sure that nothing they started outlives them. */
import { parseOptions, usage, type Options } from './options.js';
import { complaintsOf, figuresOf, resultTable, type Result } from './report/results.js';
import type { Scenario } from './scenario.js';
import { destroyAllSites, useProgram } from './server/site.js';

/** Something was not as it must be. */
const EXIT_FAILURE = 1;
const EXIT_USAGE = 2;
const EXIT_SIGNAL = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

export async function main(args: readonly string[]): Promise<void> {
  // Also an uncaught error ends in the exit event.
  process.once('exit', destroyAllSites);
  for (const [signal, code] of Object.entries(EXIT_SIGNAL)) process.once(signal, () => process.exit(code));
  const options = optionsOrExit(args);
  if (options.program !== undefined) useProgram(options.program);
  const results: Result[] = [];
  for (const scenario of options.scenarios) results.push(await run(scenario, options));
  if (options.json) process.stdout.write(`${JSON.stringify(results.map(withoutDetails), undefined, 2)}\n`);
  else print(results);
  process.exitCode = results.every(({ ok }) => ok) ? 0 : EXIT_FAILURE;
}

async function run({ name, title, ...scenario }: Scenario, { short }: Options): Promise<Result> {
  const say = (message: string): void => {
    process.stderr.write(`${name}: ${message}\n`);
  };
  say(title);
  const beganMs = performance.now();
  const result = { scenario: name, title };
  const seconds = (): number => (performance.now() - beganMs) / 1000;
  try {
    const { load, checks, figures = {} } = await scenario.run({ short, say });
    const ok = checks.every((check) => check.ok);
    say(ok ? 'ok' : 'FAILED');
    return { ...result, ok, seconds: seconds(), load, checks, figures, error: undefined };
  } catch (error) {
    say('FAILED');
    const { message } = error as Error;
    return {
      ...result,
      ok: false,
      seconds: seconds(),
      load: undefined,
      checks: [],
      figures: {},
      error: message,
    };
  }
}

function print(results: readonly Result[]): void {
  const parts = [resultTable(results), figuresOf(results), complaintsOf(results)];
  process.stdout.write(`\n${parts.filter(Boolean).join('\n\n')}\n`);
}

/** Each single request that failed is for the checks, not for the reader. */
function withoutDetails(result: Result): object {
  const { failures: _failures, pids, ...load } = result.load ?? {};
  return { ...result, load: result.load && { ...load, processes: pids?.length } };
}

function optionsOrExit(args: readonly string[]): Options {
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(usage);
    process.exit(0);
  }
  try {
    return parseOptions(args);
  } catch (error) {
    process.stderr.write(`chaos: ${(error as Error).message}\nnpm run chaos -- --help says more\n`);
    process.exit(EXIT_USAGE);
  }
}
