/** `xgi routes`: what goes where, and through what. */
import path from 'node:path';
import type { MiddlewareEntry } from '../config/middleware.js';
import type { ResolvedConfig } from '../config/resolve.js';
import type { RouteAction, SiteRoute } from '../config/site.js';
import { toText } from '../gateway/byte-text.js';
import { CONTROLS, createEscape } from '../observe/escape.js';
import { formatHostPattern } from '../routing/host-pattern.js';
import { formatPathPattern } from '../routing/path-pattern.js';
import { RouteTable, type RouteRule } from '../routing/route-table.js';
import { kindOf } from '../service/application.js';
import { siteOf } from '../service/site-application.js';

const escapeLine = createEscape(CONTROLS);

/** One route a line, in the order in which they are tried. @returns the exit status */
export function printRoutes(config: ResolvedConfig): number {
  const table = new RouteTable(siteOf(config).routes.map((route) => [route.rule, route]));
  const rows = table.routes.map(([rule, route]) => [
    rule.host === null ? 'any host' : formatHostPattern(rule.host),
    toText(formatPathPattern(rule.path)),
    formatConditions(rule),
    formatWay(route, config),
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

/** All that a request passes, the server's middleware first: as SiteFront puts them together. */
function formatWay({ action, middleware }: SiteRoute, config: ResolvedConfig): string {
  const front = [...config.middleware, ...middleware].map((entry) => nameOf(entry, config));
  return `→ ${[...front, formatAction(action, config)].join(' → ')}`;
}

function formatAction(action: RouteAction, config: ResolvedConfig): string {
  switch (action.kind) {
    case 'app':
      return [...action.files, action.app].map((name) => formatApp(name, config)).join(', else → ');
    case 'handler':
      return 'a function';
    case 'redirect':
      return `redirect ${action.status} ${action.to}`;
    case 'respond':
      return `respond ${action.status}`;
  }
}

function formatApp(name: string, config: ResolvedConfig): string {
  const app = siteOf(config).apps.get(name)!;
  // Without a name it is the only one, whose middleware is that of the server.
  const own = name === '' ? [] : app.middleware.map((entry) => nameOf(entry, config));
  const inWorkers = app.wsgiMiddleware.map(({ target }) => target);
  return [...own, ...inWorkers, `${name === '' ? '' : `${name}: `}${kindOf(app)} ${app.target}`].join(' → ');
}

/** As a configuration names it. */
function nameOf(entry: MiddlewareEntry, { directory }: ResolvedConfig): string {
  switch (entry.kind) {
    case 'ready':
      return entry.name;
    case 'module': {
      const relative = path.relative(directory, entry.path);
      return relative.startsWith('..') ? relative : `./${relative}`;
    }
    case 'function':
      return entry.middleware.name === '' ? 'a function' : `${entry.middleware.name}()`;
  }
}
