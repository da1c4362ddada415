/** The words behind `xgi status`, `reload`, `stop` and `scale` → what is to be done. */
import { Command, CommanderError } from 'commander';
import { DURATION_FORM, parseDuration, parseWorkerRange, WORKER_RANGE_FORM } from '../config/units.js';
import { ConfigError } from '../errors.js';
import { formatReceived } from '../errors/received.js';
import { describeUsage } from './command-line.js';
import type { SteerName } from './steer-names.js';

export interface SteerLine {
  /** As it was written; undefined for the only xgi that runs. */
  readonly controlSocket: string | undefined;
  readonly pid: number | undefined;
  /** Print the answer as it came. */
  readonly json: boolean;
  /** stop: as SIGINT. */
  readonly quick: boolean;
  /** stop: how long to wait for the end. */
  readonly timeoutMs: number;
  /** scale: `4` or `2..8`; '' for the others. */
  readonly workers: string;
  /** scale: which application, of several. */
  readonly app: string | undefined;
}

const DEFAULT_STOP_TIMEOUT_MS = 60_000;
const MAX_STOP_TIMEOUT_MS = 86_400_000;

const DESCRIPTIONS: Readonly<Record<SteerName, string>> = {
  status: 'Shows what a running xgi does. Exit status 0 if it is ready, so that it can be a probe.',
  reload: 'Replaces the workers by new ones, which load the code as it is now.\nWaits until they serve.',
  stop: 'Lets requests under way finish, for --graceful-timeout at most, and ends xgi.\nWaits until it has ended.',
  scale:
    'Changes how many workers there are: a number, or MIN..MAX.\nDoes not wait until they have come or gone.',
};

const EXIT_STATUS: Readonly<Record<SteerName, string>> = {
  status:
    '0  it is ready, or reloads\n  1  it starts, stops, or has no worker that could load the application',
  reload: '0  the new code serves\n  1  the new code cannot be loaded, and the old goes on',
  stop: '0  it has ended\n  1  it has not ended within --timeout',
  scale: '0  done',
};

/**
 * @throws ConfigError `XGI_CONFIG_USAGE`, `XGI_CONFIG_VALUE`
 * @throws CommanderError with exit code 0 when help has been printed
 */
export function parseSteerLine(name: SteerName, words: readonly string[]): SteerLine {
  const command = createSteerCommand(name);
  try {
    command.parse(words, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError) || error.exitCode === 0) throw error;
    throw refuse(name, error);
  }
  const flags = command.opts<Record<string, string | boolean | undefined>>();
  const [workers = '', pid, ...excess] = name === 'scale' ? command.args : ['', ...command.args];
  if (excess.length > 0) throw refuseWords(name, command.args);
  return {
    controlSocket: flags['controlSocket'] as string | undefined,
    pid: pid === undefined ? undefined : readPid(name, pid),
    json: flags['json'] === true,
    quick: flags['quick'] === true,
    timeoutMs: readTimeout(flags['timeout'] as string | undefined),
    workers: name === 'scale' ? readWorkers(workers) : '',
    app: flags['app'] as string | undefined,
  };
}

function createSteerCommand(name: SteerName): Command {
  const command = new Command(`xgi ${name}`)
    .description(DESCRIPTIONS[name])
    .allowExcessArguments(true)
    .exitOverride()
    .configureOutput({ outputError: () => {} })
    .addHelpText(
      'after',
      `\nExit status:\n  ${EXIT_STATUS[name]}\n  2  a wrong flag or value, or several xgi run and no PID was given\n  4  no running xgi answers\n`,
    );
  if (name === 'scale') {
    command
      .argument('<workers>', WORKER_RANGE_FORM)
      .option('--app <name>', 'of this application, if there are several');
  }
  command.argument('[pid]', 'which xgi, if several run');
  if (name === 'stop') {
    command
      .option('--quick', 'requests under way have a second')
      .option(
        '--timeout <duration>',
        `how long to wait for the end (default: ${DEFAULT_STOP_TIMEOUT_MS / 1000}s)`,
      );
  }
  return command
    .option('--json', 'print the answer as JSON')
    .option(
      '--control-socket <path>',
      'as xgi was started with (default: $XGI_CONTROL_SOCKET, else the only one of this user, or, for root, of all users)',
    )
    .helpOption('-h, --help', 'print this');
}

function refuse(name: SteerName, error: CommanderError): ConfigError {
  const message =
    error.code === 'commander.missingArgument'
      ? `xgi ${name}: expected ${WORKER_RANGE_FORM}, received nothing; see xgi ${name} --help`
      : describeUsage(error, `xgi ${name}`);
  return new ConfigError('XGI_CONFIG_USAGE', message);
}

function refuseWords(name: SteerName, words: readonly string[]): ConfigError {
  const expected = name === 'scale' ? 'WORKERS and at most one PID' : 'at most one PID';
  const received = words.map(formatReceived).join(' ');
  return new ConfigError(
    'XGI_CONFIG_USAGE',
    `xgi ${name}: expected ${expected}, received ${received}; see xgi ${name} --help`,
  );
}

function readPid(name: SteerName, word: string): number {
  if (/^[1-9][0-9]{0,9}$/.test(word)) return Number(word);
  throw new ConfigError(
    'XGI_CONFIG_USAGE',
    `xgi ${name}: expected the process id of a running xgi, received ${formatReceived(word)}; ` +
      `a Python module called ${name} is served with xgi wsgi ${name}`,
  );
}

function readTimeout(text: string | undefined): number {
  if (text === undefined) return DEFAULT_STOP_TIMEOUT_MS;
  const timeoutMs = parseDuration(text);
  if (timeoutMs !== undefined && timeoutMs <= MAX_STOP_TIMEOUT_MS) return timeoutMs;
  throw new ConfigError(
    'XGI_CONFIG_VALUE',
    `--timeout: expected ${DURATION_FORM}, at most ${MAX_STOP_TIMEOUT_MS / 3_600_000}h, received ${formatReceived(text)}`,
  );
}

function readWorkers(text: string): string {
  if (parseWorkerRange(text) !== undefined) return text;
  const [, min, max] = /^([0-9]+)\.\.([0-9]+)$/.exec(text) ?? [];
  const expected =
    Number(min) > Number(max) ? 'MIN..MAX with a MIN that is not above MAX' : WORKER_RANGE_FORM;
  throw new ConfigError(
    'XGI_CONFIG_VALUE',
    `xgi scale: expected ${expected}, received ${formatReceived(text)}`,
  );
}
