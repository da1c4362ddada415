/**
 * The settings of a configuration file as plain data: what the schema looks at is a copy, which nothing can change behind it, and of which
 * nothing is inherited. Values that are neither objects nor lists stay what they are; the schema says what it takes.
 */
import { ConfigError } from '../errors.js';
import type { SettingPath } from './file.js';
import { formatReceived } from '../errors/received.js';
import type { UserConfig } from './schema.js';

/** No setting is as deep; what is has been made to be. */
const MAX_DEPTH = 50;

type NameOf = (at: SettingPath, what?: 'key' | 'value') => string;

/**
 * @param nameOf how a message names a setting
 * @throws ConfigError `XGI_CONFIG_FILE`, `XGI_CONFIG_KEY`
 */
export function copySettings(value: unknown, nameOf: NameOf): UserConfig {
  if (!isPlainObject(value))
    throw new ConfigError(
      'XGI_CONFIG_FILE',
      `${nameOf([])}: expected an object of settings, received ${describe(value)}`,
    );
  try {
    return copy(value, { at: [], above: [], nameOf }) as UserConfig;
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    // A getter of a module's.
    throw new ConfigError('XGI_CONFIG_FILE', `${nameOf([])}: its settings cannot be read: ${String(error)}`);
  }
}

interface Place {
  readonly at: SettingPath;
  /** The objects that it is in. */
  readonly above: readonly unknown[];
  readonly nameOf: NameOf;
}

function copy(value: unknown, place: Place): unknown {
  if (!Array.isArray(value) && !isPlainObject(value)) return value;
  const { at, above, nameOf } = place;
  if (above.includes(value))
    throw new ConfigError('XGI_CONFIG_FILE', `${nameOf(at)}: it is inside of itself`);
  if (above.length === MAX_DEPTH)
    throw new ConfigError('XGI_CONFIG_FILE', `${nameOf(at)}: it is nested more than ${MAX_DEPTH} deep`);
  const below = (key: string | number): Place => ({ at: [...at, key], above: [...above, value], nameOf });
  if (Array.isArray(value)) return value.map((item: unknown, i) => copy(item, below(i)));
  // It is a name that an object cannot simply have, and that whoever copies it forgets.
  if (Object.hasOwn(value, '__proto__'))
    throw new ConfigError(
      'XGI_CONFIG_KEY',
      `${nameOf([...at, '__proto__'], 'key')}: nothing can have this name`,
    );
  return Object.fromEntries(Object.keys(value).map((key) => [key, copy(value[key], below(key))]));
}

function describe(value: unknown): string {
  if (typeof value === 'function') return 'a function: export what it returns';
  if (value instanceof Promise) return 'a promise: export what it resolves to (export default await …)';
  if (value === null) return 'nothing';
  const isOther = typeof value === 'object' && !Array.isArray(value);
  return isOther ? 'an object of a class of its own' : formatReceived(value);
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
