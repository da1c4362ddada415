/** What a configuration comes to, for people: `xgi check --print`. */
import { stringify } from 'yaml';
import { z } from 'zod/v3';
import type { ResolvedConfig } from '../config/resolve.js';
import { isReadyName, READY_MIDDLEWARE } from '../config/middleware/ready.js';
import { hideSecrets } from '../config/secrets.js';

/** What applications have of the server that they are in, and is printed once. */
const OF_SERVER = [
  'site',
  'endpoints',
  'tls',
  'gateways',
  'gracefulTimeoutMs',
  'privileges',
  'dev',
  'limits',
  'deadlines',
  'trustedProxies',
  'proxyProtocol',
  'backlog',
  'accessLog',
  'logLevel',
  'pidFile',
  'controlSocket',
] as const satisfies (keyof ResolvedConfig)[];

/** What a server of applications has only because one application alone has it. */
const OF_APPLICATION = [
  'cgi',
  'files',
  'module',
  'wsgiMiddleware',
  'workers',
  'threads',
  'searchPath',
  'sendfileRoots',
  'env',
  'python',
  'timeoutMs',
  'queueTimeoutMs',
  'recycling',
  'preload',
  'reloadOnChange',
] as const satisfies (keyof ResolvedConfig)[];

/** As YAML. Environment variables are printed too, whatever they hold; secrets in options of middleware are not. @returns the exit status */
export function printConfig(config: ResolvedConfig): number {
  process.stdout.write(stringify(toPlain(onceEach(config)), { aliasDuplicateObjects: false }));
  return 0;
}

function onceEach(config: ResolvedConfig): object {
  if (config.site === null) return config;
  const apps = [...config.site.apps].map(([name, app]) => [name, without(app, OF_SERVER)] as const);
  return { ...without(config, OF_APPLICATION), site: { ...config.site, apps: new Map(apps) } };
}

function without(config: ResolvedConfig, names: readonly string[]): object {
  return Object.fromEntries(Object.entries(config).filter(([name]) => !names.includes(name)));
}

/** Maps and sets as objects and lists. */
function toPlain(value: unknown): unknown {
  if (value instanceof Map)
    return Object.fromEntries([...value].map(([key, item]) => [String(key), toPlain(item)]));
  if (value instanceof Set || Array.isArray(value)) return [...value].map(toPlain);
  if (typeof value !== 'object' || value === null) return value;
  const shown =
    'options' in value ? { ...value, options: hideSecrets(schemaOf(value), value.options) } : value;
  return Object.fromEntries(Object.entries(shown).map(([key, item]) => [key, toPlain(item)]));
}

/** Of the options of an entry of middleware. */
function schemaOf(entry: object): z.ZodTypeAny {
  const { name } = entry as { readonly name?: string };
  return name !== undefined && isReadyName(name) ? READY_MIDDLEWARE[name] : z.unknown();
}
