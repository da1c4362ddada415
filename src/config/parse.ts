/** The schema put to use: each value read, or one message about the first that cannot be. */
import { z } from 'zod/v3';
import { ConfigError } from '../errors.js';
import type { SettingPath } from './file.js';
import { checkValue, describeIssue, isAboutKey, valueAt } from './issue.js';
import { READY_MIDDLEWARE } from './middleware/ready.js';
import { findNear } from './near.js';
import { routeSchema } from './route-schema.js';
import { keysAt } from './schema-walk.js';
import { hideSecrets } from './secrets.js';
import {
  APPLICATION_SETTINGS,
  type ParsedConfig,
  SERVER_SETTINGS,
  type UserConfig,
  userConfigSchema,
} from './schema.js';

const ALL_KEYS = Object.keys(userConfigSchema.shape);
const APP_KEYS = [...APPLICATION_SETTINGS, 'middleware'];
/** Ready middleware, and their options. */
const READY_OPTIONS = z.object(READY_MIDDLEWARE);
const ROUTE_KEYS = [...Object.keys(routeSchema.shape), 'to', 'status', 'body'];

/** What other servers call settings that there are. */
const ELSEWHERE: Readonly<Partial<Record<string, keyof UserConfig>>> = { listen: 'bind', port: 'bind' };

interface Names {
  nameOf(key: keyof UserConfig, below?: SettingPath): string;
  nameOfKey(at: SettingPath): string;
}

/** @throws ConfigError `XGI_CONFIG_VALUE`, `XGI_CONFIG_KEY` */
export function parseUserConfig(user: UserConfig, names: Names): ParsedConfig {
  const checked = checkValue(userConfigSchema, user);
  if (checked.issue === undefined) return checked.data;
  const { issue } = checked;
  if (issue.code === 'unrecognized_keys') throw refuseKey([...issue.path, issue.keys[0]!], names);
  const at = asWritten(user, issue.path);
  const [key, ...below] = at as [keyof UserConfig, ...SettingPath];
  const name = isAboutKey(issue) ? names.nameOfKey(at) : names.nameOf(key, below);
  throw new ConfigError('XGI_CONFIG_VALUE', `${name}: ${describeIssue(issue, receivedAt(user, issue.path))}`);
}

/** Of an object that was read as a list of entries (`errorPage`), the name instead of the index. */
function asWritten(user: unknown, at: SettingPath): SettingPath {
  return at.map((key, i) => {
    const parent = valueAt(user, at.slice(0, i));
    const isEntry = typeof key === 'number' && typeof parent === 'object' && !Array.isArray(parent);
    return isEntry ? Object.keys(parent ?? {})[key]! : key;
  });
}

/** Of an entry of an object the whole entry, as its form is that of both: `pl=/usr/bin/perl`. */
function receivedAt(user: unknown, at: SettingPath): unknown {
  const written = asWritten(user, at);
  const value = hideSecrets(userConfigSchema, user, written);
  const isEntry = written.at(-1) !== at.at(-1);
  return isEntry ? `${written.at(-1)}=${String(value)}` : value;
}

function refuseKey(at: SettingPath, { nameOfKey }: Names): ConfigError {
  const key = String(at.at(-1));
  const isInApp = at[0] === 'apps';
  if (isInApp && SERVER_SETTINGS.some((name) => name === key))
    return new ConfigError(
      'XGI_CONFIG_KEY',
      `${nameOfKey(at)}: it is for the server as a whole, and stands outside of apps`,
    );
  const near = (at.length === 1 ? ELSEWHERE[key] : undefined) ?? findNear(key, siblingsOf(at));
  const hint = near === undefined ? '' : `; did you mean ${near}?`;
  return new ConfigError('XGI_CONFIG_KEY', `${nameOfKey(at)}: there is no such setting${hint}`);
}

/** The keys that there are where this one stands. */
function siblingsOf(at: SettingPath): readonly string[] {
  const middleware = at.indexOf('middleware');
  if (middleware !== -1) return keysAt(READY_OPTIONS, at.slice(middleware + 2, -1));
  if (at[0] === 'routes') return ROUTE_KEYS;
  return at[0] === 'apps' ? APP_KEYS : ALL_KEYS;
}
