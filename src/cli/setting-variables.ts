/** A variable for each flag: `XGI_MAX_BODY_SIZE` is `--max-body-size`. One that is empty counts as not set. */
import type { Option } from 'commander';
import { findNear } from '../config/near.js';
import { ConfigError } from '../errors.js';
import { formatReceived } from '../errors/received.js';
import { splitWords } from './words.js';

const PREFIX = 'XGI_';

/** They say what is to be done, once. */
const OF_COMMANDS: ReadonlySet<string> = new Set([
  'checkConfig',
  'force',
  'format',
  'help',
  'print',
  'version',
]);

/** Other variables of ours: flags together; and what xgi tells the processes that it starts of itself. */
const OTHERS: ReadonlySet<string> = new Set(['XGI_CMD_ARGS', 'XGI_GATEWAY', 'XGI_HANDOVER']);

/**
 * The settings that variables have, by their keys.
 *
 * @param options of the command line
 * @throws ConfigError `XGI_CONFIG_USAGE`; `XGI_CONFIG_KEY` for a name that is nearly one
 */
export function readSettingVariables(
  options: readonly Option[],
  env: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, unknown>> {
  const byName = new Map(
    options
      .filter((option) => !OF_COMMANDS.has(option.attributeName()))
      .map((option) => [variableOf(option.attributeName()), option]),
  );
  const flags: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(env)) {
    if (!name.startsWith(PREFIX) || value === undefined || value === '') continue;
    const option = byName.get(name);
    if (option === undefined) checkUnknown(name, [...byName.keys()]);
    else flags[option.attributeName()] = read(option, name, value);
  }
  return flags;
}

/** `limitRequestLine` → `XGI_LIMIT_REQUEST_LINE` */
export function variableOf(key: string): string {
  return PREFIX + key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}

function read(option: Option, name: string, value: string): unknown {
  if (option.isBoolean() || option.negate) {
    if (value === 'true' || value === 'false') return value === 'true';
    throw refuse(name, 'true or false', value);
  }
  // One that is repeatable.
  if (option.parseArg === undefined) return value;
  const words = splitWords(value);
  if (words !== undefined) return words;
  throw refuse(name, 'words as in a shell', value, ', in which a quote is not closed');
}

/** Whatever else begins so may be somebody's own. */
function checkUnknown(name: string, names: readonly string[]): void {
  if (OTHERS.has(name)) return;
  const near = findNear(
    name.slice(PREFIX.length),
    names.map((known) => known.slice(PREFIX.length)),
  );
  if (near === undefined) return;
  throw new ConfigError(
    'XGI_CONFIG_KEY',
    `the variable ${name}: there is no such setting; did you mean ${PREFIX}${near}?`,
  );
}

function refuse(name: string, expected: string, received: string, observed = ''): ConfigError {
  return new ConfigError(
    'XGI_CONFIG_USAGE',
    `the variable ${name}: expected ${expected}, received ${formatReceived(received)}${observed}`,
  );
}
