/** `npm run bench -- COMMAND`: runs a command and makes sure that nothing it started outlives it. */
import { measureIdle } from './commands/idle.js';
import { measureLarge } from './commands/large.js';
import { measureSlowHeads } from './commands/slow-heads.js';
import { measureWsgi } from './commands/wsgi.js';
import { prepareEnvironment, type Environment } from './environment/environment.js';
import { killLoad } from './load/wrk.js';
import { parseOptions, usage, type CommandName, type Options } from './options.js';
import { killAllServers } from './processes/server-process.js';

/** Resolves with true if everything that was measured was also right. */
type Command = (options: Options, environment: Environment) => Promise<boolean>;

const commands: Readonly<Record<CommandName, Command>> = {
  wsgi: measureWsgi,
  idle: measureIdle,
  large: measureLarge,
  'slow-heads': measureSlowHeads,
};

/** A wrong answer, too: its figures are worth nothing. */
const EXIT_FAILURE = 1;
const EXIT_USAGE = 2;
const EXIT_SIGNAL = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

export async function main(args: readonly string[]): Promise<void> {
  endWithEverything();
  const options = optionsOrExit(args);
  try {
    const isRight = await commands[options.command](options, prepareEnvironment(options));
    process.exit(isRight ? 0 : EXIT_FAILURE);
  } catch (error) {
    process.stderr.write(`bench: ${(error as Error).message}\n`);
    process.exit(EXIT_FAILURE);
  }
}

/** Also an uncaught error ends in the exit event. */
function endWithEverything(): void {
  process.once('exit', () => {
    killLoad();
    killAllServers();
  });
  for (const [signal, code] of Object.entries(EXIT_SIGNAL)) process.once(signal, () => process.exit(code));
}

function optionsOrExit(args: readonly string[]): Options {
  if (args.length === 0 || args.includes('--help') || args.includes('-h')) {
    process.stdout.write(usage);
    process.exit(args.length === 0 ? EXIT_USAGE : 0);
  }
  try {
    return parseOptions(args);
  } catch (error) {
    process.stderr.write(`bench: ${(error as Error).message}\nnpm run bench -- --help says more\n`);
    process.exit(EXIT_USAGE);
  }
}
