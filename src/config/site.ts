/** Several applications in one server, and the routes that lead to them. */
import { ConfigError } from '../errors.js';
import { formatReceived } from '../errors/received.js';
import { ResponseHead } from '../http/response-head.js';
import { ANY_PATH, END, type PathPattern, parsePathPattern } from '../routing/path-pattern.js';
import type { RouteRule } from '../routing/route-table.js';
import type { Handler } from '../types.js';
import type { SettingPath } from './file.js';
import { type MiddlewareEntry, resolveMiddleware } from './middleware.js';
import { findNear } from './near.js';
import type { ResolveContext, ResolvedConfig } from './resolve.js';
import type { ParsedRoute } from './route-schema.js';
import type { ParsedConfig, UserConfig } from './schema.js';

export interface SiteConfig {
  /** Each as if it were served alone; what concerns the server as a whole is the same in all. */
  readonly apps: ReadonlyMap<string, ResolvedConfig>;
  readonly routes: readonly SiteRoute[];
}

export interface SiteRoute {
  readonly rule: RouteRule;
  readonly action: RouteAction;
  readonly middleware: readonly MiddlewareEntry[];
  /** Where it stands in the file: 0 is the first. Several may come from one. */
  readonly index: number;
}

export type RouteAction =
  /** `files`: applications that serve static files, and are asked first, in this order. */
  | { readonly kind: 'app'; readonly files: readonly string[]; readonly app: string }
  | { readonly kind: 'handler'; readonly handler: Handler }
  /** `to` may end in `*`, which stands for the path behind the mount. */
  | { readonly kind: 'redirect'; readonly to: string; readonly status: number }
  | {
      readonly kind: 'respond';
      readonly status: number;
      readonly body: string;
      /** name, value, name, value … */
      readonly fields: readonly string[];
    };

export interface SiteContext extends ResolveContext {
  /** What relative paths are relative to; absolute. */
  readonly directory: string;
  /** Whether there are several gateways. */
  readonly isShared: boolean;
  /** Resolves one application. */
  resolveApplication(user: UserConfig, context: ResolveContext): Promise<ResolvedConfig>;
}

/** @throws ConfigError for the first setting that cannot be used */
export async function resolveSite(
  parsed: ParsedConfig,
  user: UserConfig,
  context: SiteContext,
): Promise<SiteConfig> {
  const names = Object.keys(parsed.apps ?? {});
  const routes = resolveRoutes(parsed, names, context);
  const resolved = names.map((name) => resolveApp(name, parsed, user, context));
  const apps = new Map<string, ResolvedConfig>();
  // One after the other in the end: the error is that of the first.
  await Promise.allSettled(resolved);
  for (const [i, name] of names.entries()) apps.set(name, await resolved[i]!);
  checkFiles(routes, apps, context);
  return { apps, routes };
}

async function resolveApp(
  name: string,
  parsed: ParsedConfig,
  user: UserConfig,
  context: SiteContext,
): Promise<ResolvedConfig> {
  // Where the server is, the application is, unless it says otherwise.
  const { apps, routes: _, chdir: __, middleware: ___, ...shared } = user;
  const own: UserConfig = apps![name]!;
  const at = context.nameOf('apps', [name]);
  const hasOwnUser = own.user !== undefined || own.group !== undefined;
  const { group: ____, ...withoutGroup } = shared;
  // The group of the server goes with its user.
  const server: UserConfig = own.user === undefined ? shared : withoutGroup;
  const nameOf: ResolveContext['nameOf'] = (key, below = []) =>
    key in server && !(key in own)
      ? context.nameOf(key, below)
      : context.nameOf('apps', [name, key, ...below]);
  if (hasOwnUser && context.isShared) {
    const key = own.user === undefined ? 'group' : 'user';
    throw refuse(
      `${context.nameOf('gateways')}: expected 1 with ${nameOf(key)}, as only the first is started by root; received ${String(user.gateways)}`,
    );
  }
  const kept = context.kept?.(name, own, at);
  if (kept !== undefined) return withMiddleware(kept, parsed.apps![name]!, nameOf);
  if (own.target === undefined)
    throw refuse(`${at}: expected a target, for example target: wsgi:app; received none`);
  return await context.resolveApplication(
    { ...server, ...own },
    { ...context, cwd: context.directory, hasOwnUser, nameOf },
  );
}

/** That in front of an application is not its workers' affair, and can change while they stay. */
function withMiddleware(
  kept: ResolvedConfig,
  { middleware: written }: Pick<ParsedConfig, 'middleware'>,
  nameOf: ResolveContext['nameOf'],
): ResolvedConfig {
  const { entries, python } = resolveMiddleware(written, {
    directory: kept.directory,
    nameOf: (below) => nameOf('middleware', below),
    takesPython: true,
    isShared: false,
  });
  return { ...kept, middleware: entries, wsgiMiddleware: python };
}

function resolveRoutes(
  { apps = {}, routes }: ParsedConfig,
  names: readonly string[],
  context: SiteContext,
): SiteRoute[] {
  if (routes === undefined && names.length === 1)
    return [
      { rule: EVERYTHING, action: { kind: 'app', files: [], app: names[0]! }, middleware: [], index: 0 },
    ];
  if (routes === undefined || routes.length === 0)
    throw refuse(
      `${context.nameOf(routes === undefined ? 'apps' : 'routes')}: expected routes that lead to ${names.join(', ') || 'something'}, received none`,
    );
  const resolved = routes.flatMap((route, index) => resolveRoute(route, index, apps, context));
  checkReached(resolved, context);
  const reached = new Set(
    resolved.flatMap(({ action }) => (action.kind === 'app' ? [...action.files, action.app] : [])),
  );
  const idle = names.find((name) => !reached.has(name));
  if (idle === undefined) return resolved;
  throw refuse(
    `${context.nameOf('apps', [idle])}: no route leads to it; add one with app: ${idle}, or remove it`,
  );
}

const EVERYTHING: RouteRule = { host: null, path: ANY_PATH, mountDepth: 0, methods: null, fields: [] };

function resolveRoute(route: ParsedRoute, index: number, apps: object, context: SiteContext): SiteRoute[] {
  const nameOf = (...below: SettingPath): string => context.nameOf('routes', [index, ...below]);
  const action = resolveAction(route, apps, nameOf);
  if (action.kind === 'handler' && context.isShared)
    throw refuse(
      `${nameOf('handler')}: a function cannot be given to several gateways; write it into a module, and name that in apps`,
    );
  const { entries: middleware } = resolveMiddleware(route.middleware, {
    directory: context.directory,
    nameOf: (at) => nameOf('middleware', ...at),
    takesPython: false,
    isShared: context.isShared,
  });
  const fields = Object.entries(route.headers ?? {}).map(
    ([name, value]) => [name.toLowerCase(), value === true ? null : value] as const,
  );
  const methods = route.method === undefined ? null : withHead(listOf(route.method));
  const hosts = route.host === undefined ? [null] : listOf(route.host);
  const paths = route.path === undefined ? [ANY_PATH] : listOf(route.path);
  return hosts.flatMap((host) =>
    paths.map((path) => ({
      rule: { host, path, mountDepth: mountDepthOf(route.mount, path, nameOf), methods, fields },
      action,
      middleware,
      index,
    })),
  );
}

function resolveAction(
  { app, handler, redirect, respond }: ParsedRoute,
  apps: object,
  nameOf: (...below: SettingPath) => string,
): RouteAction {
  const given = [app, handler, redirect, respond].filter((action) => action !== undefined);
  if (given.length !== 1)
    throw refuse(
      `${nameOf()}: expected one of app, handler, redirect and respond, received ${given.length === 0 ? 'none' : 'several'}`,
    );
  if (handler !== undefined) return { kind: 'handler', handler };
  if (redirect !== undefined) {
    const { to, status = 302 } = typeof redirect === 'string' ? { to: redirect } : redirect;
    return { kind: 'redirect', to, status };
  }
  if (respond !== undefined) {
    const { status = 200, body = '', headers = {} } = respond;
    const fields = Object.entries(headers).flat();
    checkHead(status, fields, nameOf('respond'));
    return { kind: 'respond', status, body, fields };
  }
  const wanted = listOf(app!);
  for (const [i, name] of wanted.entries()) {
    if (Object.hasOwn(apps, name)) continue;
    const near = findNear(name, Object.keys(apps));
    throw refuse(
      `${Array.isArray(app) ? nameOf('app', i) : nameOf('app')}: there is no application ${JSON.stringify(name)} in apps${near === undefined ? '' : `; did you mean ${near}?`}`,
    );
  }
  return { kind: 'app', files: wanted.slice(0, -1), app: wanted.at(-1)! };
}

/** Only files can be found to be missing before anything has been done. */
function checkFiles(routes: readonly SiteRoute[], apps: SiteConfig['apps'], context: SiteContext): void {
  for (const { action, index } of routes) {
    if (action.kind !== 'app') continue;
    const at = action.files.findIndex((name) => apps.get(name)!.files === null);
    if (at === -1) continue;
    throw refuse(
      `${context.nameOf('routes', [index, 'app', at])}: expected static files, as an application follows that is asked for what they do not have; received ${formatReceived(action.files[at])}, which serves something else`,
    );
  }
}

function checkHead(status: number, fields: readonly string[], name: string): void {
  try {
    void new ResponseHead(status, fields);
  } catch (error) {
    throw refuse(`${name}: ${(error as Error).message}`);
  }
}

/** A prefix, and what stands before a `*`, is the mount; of a pattern nothing is, unless it says so. */
function mountDepthOf(
  mount: string | undefined,
  path: PathPattern,
  nameOf: (...below: SettingPath) => string,
): number {
  if (mount === undefined) return path.end === 'exact' ? 0 : path.segments.length;
  const wanted = parsePathPattern(mount);
  const isFront =
    wanted !== undefined &&
    wanted.end !== 'rest' &&
    !mount.endsWith(END) &&
    wanted.segments.length <= path.segments.length &&
    wanted.segments.every((segment, i) => JSON.stringify(segment) === JSON.stringify(path.segments[i]));
  if (isFront) return wanted.segments.length;
  throw refuse(
    `${nameOf('mount')}: expected the front of the route's path, or /, received ${formatReceived(mount)}`,
  );
}

/** A route that an earlier one takes all requests of is a mistake of its author's. */
function checkReached(routes: readonly SiteRoute[], context: SiteContext): void {
  const seen = new Map<string, number>();
  for (const { rule, index } of routes) {
    const key = keyOf(rule);
    const earlier = seen.get(key);
    if (earlier !== undefined)
      throw refuse(
        `${context.nameOf('routes', [index])}: it is never reached, as routes[${earlier}] takes the same requests`,
      );
    seen.set(key, index);
  }
}

function keyOf({ host, path, methods, fields }: RouteRule): string {
  const segments = path.segments.map((segment) => ('text' in segment ? segment.text : null));
  return JSON.stringify([host, segments, path.end, methods && [...methods].toSorted(), fields.toSorted()]);
}

/** Who answers GET answers HEAD (RFC 9110 section 9.3.2). */
function withHead(methods: readonly string[]): ReadonlySet<string> {
  return new Set(methods.includes('GET') ? [...methods, 'HEAD'] : methods);
}

function listOf<T>(value: T | readonly T[]): readonly T[] {
  return Array.isArray(value) ? (value as readonly T[]) : [value as T];
}

function refuse(message: string): ConfigError {
  return new ConfigError('XGI_CONFIG_VALUE', message);
}
