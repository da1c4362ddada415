/** The words of the command line and of XGI_CMD_ARGS, and the variables of single settings → what is to be done. */
import path from 'node:path';
import { CommanderError } from 'commander';
import type { UserConfig } from '../config/schema.js';
import { ConfigError } from '../errors.js';
import { formatReceived } from '../errors/received.js';
import { findAbsentFlag } from './absent-flags.js';
import { LOOKING_COMMANDS } from './looking-commands.js';
import { findNearCommand } from './near-command.js';
import { createProgram } from './program.js';
import { readSettingVariables, variableOf } from './setting-variables.js';
import { findSteerName } from './steer-names.js';
import { splitWords } from './words.js';

export interface CommandLine {
  /** Flags and TARGET. */
  readonly config: UserConfig;
  /** `--config`, as it was written. */
  readonly configFile: string | undefined;
  readonly action: Action;
  /** Of `xgi init`. */
  readonly init: InitOptions;
  /** How a message names an option, and where it was given. */
  nameOf(key: keyof UserConfig): string;
}

/** `print` is `xgi check --print`. */
export type Action = 'serve' | 'check' | 'print' | 'routes' | 'init';

export interface InitOptions {
  /** `--format`, as it was written. */
  readonly format: string | undefined;
  /** A file that is there is replaced. */
  readonly force: boolean;
}

const NO_TARGET = {
  wsgi: 'xgi wsgi: no TARGET given, for example xgi wsgi wsgi:app (the module wsgi alone is xgi wsgi wsgi)',
  cgi: 'xgi cgi: no TARGET given, for example xgi cgi ./cgi-bin, or one program (the module cgi is xgi wsgi cgi)',
  static:
    'xgi static: no TARGET given, for example xgi static ./public (the module static is xgi wsgi static)',
  app: 'xgi app: no TARGET given, for example xgi app ./app.ts (the module app is xgi wsgi app)',
} as const;

const KINDS = Object.keys(NO_TARGET) as (keyof typeof NO_TARGET)[];

/** One place that flags come from. */
interface Source {
  readonly words: readonly string[];
  readonly flags: Readonly<Record<string, unknown>>;
}

/**
 * Reads all of them. The flags of the command line win, then those of XGI_CMD_ARGS; a repeatable one replaces what is given below it.
 *
 * @throws ConfigError `XGI_CONFIG_USAGE`, `XGI_CONFIG_TARGET`, `XGI_CONFIG_KEY`
 * @throws CommanderError with exit code 0 when help or the version has been printed
 */
export function parseCommandLine(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  version: string,
): CommandLine {
  const variable = parseSource(readVariable(env['XGI_CMD_ARGS']), version, ' (in XGI_CMD_ARGS)');
  const line = parseSource(argv, version, '');
  const single = readSettingVariables(createProgram(version).options, env);
  const {
    checkConfig,
    print,
    format,
    force,
    config: configFile,
    ...flags
  } = {
    ...single,
    ...variable.flags,
    ...line.flags,
  };
  const command = LOOKING_COMMANDS.find((name) => name === line.words[0]);
  const lineWords = command === undefined ? line.words : line.words.slice(1);
  const words = lineWords.length > 0 ? lineWords : variable.words;
  const looks = command ?? (checkConfig === true ? 'check' : undefined);
  if (print === true && looks !== 'check')
    throw new ConfigError('XGI_CONFIG_USAGE', '--print is for xgi check; see xgi --help');
  if (looks !== 'init' && (format !== undefined || force === true))
    throw new ConfigError(
      'XGI_CONFIG_USAGE',
      `${format === undefined ? '--force' : '--format'} is for xgi init; see xgi --help`,
    );
  return {
    config: { ...flags, ...findTarget(words, moduleFolders(flags, env)) },
    configFile: configFile as string | undefined,
    action: print === true ? 'print' : (looks ?? 'serve'),
    init: { format: format as string | undefined, force: force === true },
    nameOf: (key) => {
      if (key === 'target') return 'TARGET';
      if (key in line.flags) return flagOf(key);
      if (key in variable.flags) return `${flagOf(key)} (in XGI_CMD_ARGS)`;
      return key in single ? `the variable ${variableOf(key)}` : flagOf(key);
    },
  };
}

function readVariable(text = ''): readonly string[] {
  const words = splitWords(text);
  if (words !== undefined) return words;
  throw new ConfigError(
    'XGI_CONFIG_USAGE',
    `the variable XGI_CMD_ARGS: expected words as in a shell, received ${formatReceived(text)}, in which a quote is not closed`,
  );
}

function parseSource(words: readonly string[], version: string, where: string): Source {
  const program = createProgram(version);
  try {
    program.parse(words, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError) || error.exitCode === 0) throw error;
    throw new ConfigError('XGI_CONFIG_USAGE', describeUsage(error, 'xgi', where));
  }
  // Like --help, it throws a CommanderError with exit code 0. A module of that name is served with `xgi wsgi help`.
  if (program.args[0] === 'help') program.help();
  // Not the defaults: commander has one for each flag that begins with --no-.
  const given = Object.entries(program.opts()).filter(([key]) => program.getOptionValueSource(key) === 'cli');
  return { words: program.args, flags: Object.fromEntries(given) };
}

/** What is wrong with the words of a command (`xgi`, `xgi stop`); `where` they stand, if not on the command line. */
export function describeUsage({ code, message }: CommanderError, command: string, where = ''): string {
  const quoted = /'([^']*)'/.exec(message)?.[1] ?? '';
  if (code === 'commander.optionMissingArgument') {
    const [, name, value] = /(--[\w-]+) <(.+)>/.exec(quoted) ?? ['', quoted, 'value'];
    return `${name}${where}: expected a value, ${name} ${value!.toUpperCase()}, received nothing; see ${command} --help`;
  }
  const absent = code === 'commander.unknownOption' && command === 'xgi' ? findAbsentFlag(quoted) : undefined;
  if (absent !== undefined)
    return `${absent.name}${where}: xgi does not have this flag of gunicorn: ${absent.instead}`;
  const text = message.replace(/^error: |\.$/g, '').replace(/\n\(Did you mean (.*)\)$/, '; did you mean $1');
  return `${text}${where}; see ${command} --help`;
}

/** Where Python looks for a module before it looks at what is installed; the application's own folder first. */
function moduleFolders(
  { chdir = '.', pythonpath = '' }: Source['flags'],
  { PYTHONPATH = '' }: Readonly<Record<string, string | undefined>>,
): string[] {
  const own = path.resolve(String(chdir));
  const others = [...String(pythonpath).split(','), ...PYTHONPATH.split(path.delimiter)];
  return [own, ...others.filter((folder) => folder !== '').map((folder) => path.resolve(own, folder.trim()))];
}

/** @param folders where a module would be */
function findTarget(
  words: readonly string[],
  folders: readonly string[],
): Pick<UserConfig, 'target' | 'kind'> {
  const kind = KINDS.find((name) => name === words[0]);
  const explicit = kind !== undefined;
  const [target, ...rest] = explicit ? words.slice(1) : words;
  if (target === undefined) {
    // A configuration file may tell.
    if (kind === undefined) return {};
    throw new ConfigError('XGI_CONFIG_TARGET', NO_TARGET[kind]);
  }
  if (!explicit && findSteerName(target) !== undefined) {
    throw new ConfigError(
      'XGI_CONFIG_USAGE',
      `${target} is a command for an xgi that runs, and is written first: xgi ${target}; ` +
        `a Python module of that name is served with xgi wsgi ${target}`,
    );
  }
  const near = explicit ? undefined : findNearCommand(target, folders);
  if (near !== undefined) throw new ConfigError('XGI_CONFIG_TARGET', near);
  if (rest.length === 0) return kind === undefined ? { target } : { target, kind };
  throw new ConfigError(
    'XGI_CONFIG_USAGE',
    `expected one TARGET, received ${[target, ...rest].map(formatReceived).join(' ')}`,
  );
}

/** `limitRequestLine` → `--limit-request-line` */
function flagOf(key: string): string {
  if (key === 'cgiWarm') return '--no-cgi-warm';
  return `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}
