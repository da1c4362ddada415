/** What a configuration comes to, for people: `xgi check --print` and `xgi routes`. */
import { kindOf } from '../service/application.js';
import { stringify } from 'yaml';
import type { ResolvedConfig } from '../config/resolve.js';
import type { RouteAction } from '../config/site.js';
import { toText } from '../gateway/byte-text.js';
import { CONTROLS, createEscape } from '../observe/escape.js';
import { formatHostPattern } from '../routing/host-pattern.js';
import { formatPathPattern } from '../routing/path-pattern.js';
import { RouteTable, type RouteRule } from '../routing/route-table.js';
import { siteOf } from '../service/site-application.js';

const escapeLine = createEscape(CONTROLS);

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

/** As YAML. Environment variables are printed too, whatever they hold. @returns the exit status */
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

/** One route a line, in the order in which they are tried. @returns the exit status */
export function printRoutes(config: ResolvedConfig): number {
  const { routes, apps } = siteOf(config);
  const table = new RouteTable(routes.map(({ rule, action }) => [rule, action]));
  const rows = table.routes.map(([rule, action]) => [
    rule.host === null ? 'any host' : formatHostPattern(rule.host),
    toText(formatPathPattern(rule.path)),
    formatConditions(rule),
    `→ ${formatAction(action, apps)}`,
  ]);
  const widths = [0, 1, 2].map((i) => Math.max(0, ...rows.map((row) => row[i]!.length)));
  for (const row of rows) {
    const cells = row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).filter((cell) => cell !== '');
    process.stdout.write(`${escapeLine(cells.join('  '))}\n`);
  }
  return 0;
}

function formatConditions({ methods, fields }: RouteRule): string {
  const written = fields.map(([name, value]) => (value === null ? `${name}: any` : `${name}: ${value}`));
  return [...(methods === null ? [] : [[...methods].join(',')]), ...written].join('; ');
}

function formatAction(action: RouteAction, apps: ReadonlyMap<string, ResolvedConfig>): string {
  switch (action.kind) {
    case 'app': {
      const names = [...action.files, action.app];
      return names.map((name) => formatApp(name, apps.get(name)!)).join(', else ');
    }
    case 'handler':
      return 'a function';
    case 'redirect':
      return `redirect ${action.status} ${action.to}`;
    case 'respond':
      return `respond ${action.status}`;
  }
}

function formatApp(name: string, app: ResolvedConfig): string {
  return `${name === '' ? '' : `${name}: `}${kindOf(app)} ${app.target}`;
}

/** Maps and sets as objects and lists. */
function toPlain(value: unknown): unknown {
  if (value instanceof Map)
    return Object.fromEntries([...value].map(([key, item]) => [String(key), toPlain(item)]));
  if (value instanceof Set || Array.isArray(value)) return [...value].map(toPlain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, toPlain(item)]));
}
