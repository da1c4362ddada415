/** The schema put to use: each value read, or one message about the first that cannot be. */
import { z } from 'zod/v3';
import { ConfigError } from '../errors.js';
import type { SettingPath } from './file.js';
import { READY_MIDDLEWARE } from './middleware/ready.js';
import { findNear } from './near.js';
import { formatReceived } from './received.js';
import { routeSchema } from './route-schema.js';
import {
  APPLICATION_SETTINGS,
  type ParsedConfig,
  SERVER_SETTINGS,
  type UserConfig,
  userConfigSchema,
} from './schema.js';

const ALL_KEYS = Object.keys(userConfigSchema.shape);
const APP_KEYS = [...APPLICATION_SETTINGS, 'middleware'];
const ROUTE_KEYS = [...Object.keys(routeSchema.shape), 'to', 'status', 'body'];

interface Names {
  nameOf(key: keyof UserConfig, below?: SettingPath): string;
  nameOfKey(at: SettingPath): string;
}

/** @throws ConfigError `XGI_CONFIG_VALUE`, `XGI_CONFIG_KEY` */
export function parseUserConfig(user: UserConfig, names: Names): ParsedConfig {
  const result = userConfigSchema.safeParse(user);
  if (result.success) return result.data;
  const issue = deepest(result.error.issues[0]!);
  if (issue.code === 'unrecognized_keys') throw refuseKey([...issue.path, issue.keys[0]!], names);
  const at = asWritten(user, issue.path);
  const [key, ...below] = at as [keyof UserConfig, ...SettingPath];
  const received = receivedAt(user, issue.path);
  throw new ConfigError(
    'XGI_CONFIG_VALUE',
    `${names.nameOf(key, below)}: expected ${issue.message}, received ${formatReceived(received)}${hintOf(issue, received)}`,
  );
}

/** Of the forms that a value may have: what is wrong with the one that it comes nearest to. */
function deepest(issue: z.ZodIssue): z.ZodIssue {
  if (issue.code !== 'invalid_union') return issue;
  const issues = issue.unionErrors.flatMap((error) => error.issues.map(deepest));
  return issues.toSorted((a, b) => b.path.length - a.path.length)[0]!;
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
  const value = valueAt(user, written);
  const isEntry = written.at(-1) !== at.at(-1);
  return isEntry ? `${written.at(-1)}=${String(value)}` : value;
}

/** What is of a type that is easily taken for the right one. */
function hintOf(issue: z.ZodIssue, received: unknown): string {
  if (issue.code !== 'invalid_type') return '';
  if (issue.expected === 'array' && typeof received === 'string')
    return `; did you mean [${formatReceived(received)}]?`;
  if (issue.expected !== 'string') return '';
  if (typeof received === 'number') return '; put it in quotes';
  const isListOfText = Array.isArray(received) && received.every((item) => typeof item === 'string');
  return isListOfText ? `; did you mean ${formatReceived(received.join(','))}?` : '';
}

function valueAt(user: unknown, at: SettingPath): unknown {
  return at.reduce<unknown>((value, key) => (value as Record<string | number, unknown>)?.[key], user);
}

function refuseKey(at: SettingPath, { nameOfKey }: Names): ConfigError {
  const key = String(at.at(-1));
  const isInApp = at[0] === 'apps';
  if (isInApp && SERVER_SETTINGS.some((name) => name === key))
    return new ConfigError(
      'XGI_CONFIG_KEY',
      `${nameOfKey(at)}: it is for the server as a whole, and stands outside of apps`,
    );
  const near = findNear(key, siblingsOf(at));
  const hint = near === undefined ? '' : `; did you mean ${near}?`;
  return new ConfigError('XGI_CONFIG_KEY', `${nameOfKey(at)}: there is no such setting${hint}`);
}

/** The keys that there are where this one stands. */
function siblingsOf(at: SettingPath): readonly string[] {
  const middleware = at.indexOf('middleware');
  if (middleware !== -1) return optionsAt(at.slice(middleware + 2, -1));
  if (at[0] === 'routes') return ROUTE_KEYS;
  return at[0] === 'apps' ? APP_KEYS : ALL_KEYS;
}

/** Of a ready middleware, or of an object in them. */
function optionsAt(at: SettingPath): readonly string[] {
  let schema: unknown = READY_MIDDLEWARE;
  for (const key of at) schema = (shapeOf(schema) as Record<string, unknown> | undefined)?.[key];
  return Object.keys(shapeOf(schema) ?? {});
}

function shapeOf(schema: unknown): object | undefined {
  if (schema instanceof z.ZodOptional) return shapeOf(schema.unwrap());
  if (schema instanceof z.ZodObject) return schema.shape as object;
  return schema === READY_MIDDLEWARE ? READY_MIDDLEWARE : undefined;
}
