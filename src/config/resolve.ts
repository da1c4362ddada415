/**
 * UserConfig → ResolvedConfig: every value read, checked and filled in, once, before anything is started.
 *
 * Relative paths are relative to `chdir`, all of them, as for gunicorn.
 */
import path from 'node:path';
import { ConfigError } from '../errors.js';
import { parseTrustedProxies } from '../http/forwarded.js';
import type {
  Endpoint,
  HttpDeadlines,
  HttpLimits,
  Recycling,
  WantedPrivileges,
  WorkerRange,
} from '../types.js';
import { type CgiConfig, resolveCgi } from './cgi.js';
import { DEFAULT_DEADLINES, DEFAULT_LIMITS, DEFAULTS } from './defaults.js';
import { checkModule, detectTarget, type Target } from './detect.js';
import { resolveEndpoints, resolveRedirect } from './endpoints.js';
import type { SettingPath } from './file.js';
import { checkFolder, isDirectory, resolveSendfileRoots } from './folders.js';
import { checkKind, checkOwnUser, type Kind } from './kinds.js';
import { hasPython, type ProcessContext, resolveProcesses, resolveSiteProcesses } from './processes.js';
import { chooseInterpreter, type Interpreter, type RunAs } from './python.js';
import { type MiddlewareEntry, type PythonMiddleware, resolveMiddleware } from './middleware.js';
import { refuse } from './refuse.js';
import { parseUserConfig } from './parse.js';
import { type ParsedConfig, type UserConfig } from './schema.js';
import { resolveSite, type SiteConfig } from './site.js';
import { resolveStatic, type StaticConfig } from './static.js';
import { resolveTls, type TlsConfig } from './tls.js';

/** Plain data, maps and sets included: the first gateway sends it to the others. */
export interface ResolvedConfig {
  /** In the form of the worker protocol (docs/protocol.md, HELLO); for CGI programs and files as it was written. */
  readonly target: string;
  /** Set if CGI programs are served, and no WSGI application. */
  readonly cgi: CgiConfig | null;
  /** Set if static files are served, and nothing else. */
  readonly files: StaticConfig | null;
  /** Set if a TypeScript application is served, and nothing else: its module, absolute. */
  readonly module: string | null;
  /** Set if applications are served by routes. */
  readonly site: SiteConfig | null;
  /** In front of it; of a site, in front of all of its routes. */
  readonly middleware: readonly MiddlewareEntry[];
  /** Around a WSGI application, in its workers. */
  readonly wsgiMiddleware: readonly PythonMiddleware[];
  /** A WSGI application is checked against PEP 3333: for development. */
  readonly validate: boolean;
  readonly endpoints: readonly Endpoint[];
  /** Of TCP endpoints; null for plain HTTP. */
  readonly tls: TlsConfig | null;
  /** Of all gateways together. Of CGI programs: the launchers, the same number for each gateway. Static files have none. */
  readonly workers: WorkerRange;
  /** Processes that accept connections; each has its share of the workers. */
  readonly gateways: number;
  readonly threads: number;
  /** Where the application runs; absolute. */
  readonly directory: string;
  /** The front of `sys.path`; absolute. */
  readonly searchPath: readonly string[];
  /** Where X-Sendfile of an application or a program may send files from; real paths, byte text. */
  readonly sendfileRoots: readonly string[];
  /** Added to the environment of the workers. */
  readonly env: Readonly<Record<string, string>>;
  /** Runs the workers, or the launcher of programs; null if there is none, which CGI programs can do without, and for static files. */
  readonly python: Interpreter | null;
  /** 0 means none. */
  readonly timeoutMs: number;
  /** 0 means none. */
  readonly queueTimeoutMs: number;
  readonly gracefulTimeoutMs: number;
  readonly recycling: Recycling;
  /** The application is loaded once, and workers are forked from there. */
  readonly preload: boolean;
  /** Reload when the files of the application, or these (absolute), change; null for never. */
  readonly reloadOnChange: { readonly extraFiles: readonly string[] } | null;
  readonly privileges: WantedPrivileges;
  /** These say who its workers are, and not who the gateway is. */
  readonly hasOwnUser: boolean;
  /** Clients are told what went wrong inside. */
  readonly dev: boolean;
  readonly limits: HttpLimits;
  readonly deadlines: HttpDeadlines;
  /** As `parseTrustedProxies` reads it. */
  readonly trustedProxies: string;
  /** Who begins each connection with a PROXY header, and nobody else may connect, as `parseTrustedProxies` reads it; null: nobody does. */
  readonly proxyProtocol: string | null;
  readonly backlog: number;
  /** `file` is absolute, or '-' for standard output; null for no access log. The format is not compiled yet. */
  readonly accessLog: { readonly file: string | null; readonly format: string };
  readonly logLevel: NonNullable<ParsedConfig['logLevel']>;
  /** Absolute. */
  readonly pidFile: string | null;
  /** Absolute; 'default' for one named by the process id in a folder of the user (docs/operate/control.md); null for none. */
  readonly controlSocket: string | null;
}

/** What the person did not write, but the process was given. */
export interface ResolveContext {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Listening sockets that were passed on by systemd. */
  readonly inheritedFds: readonly number[];
  /** Looks the user up that the application is to run as; undefined if it stays as it is. @throws ConfigError */
  readonly runAs?: (wanted: WantedPrivileges, nameOf: ResolveContext['nameOf']) => RunAs | undefined;
  /** Looks at an interpreter that root is to run, for programs of that user. `name` is how a message names the user. @throws ConfigError if there is no such user, or others than root can change the interpreter */
  readonly checkLauncher?: (python: string, cgiUser: string, name: string) => void;
  /** It is one of several applications, and its user or its group is its own. Default false. */
  readonly hasOwnUser?: boolean;
  /**
   * What an application came to before, if it cannot be looked at now, as only root may be its user and has been given up.
   *
   * @param own as it is written
   * @param at how a message names it
   * @throws ConfigError `XGI_RELOAD_RESTART` if it was not there, or something else was written
   */
  readonly kept?: (name: string, own: UserConfig, at: string) => ResolvedConfig | undefined;
  /** How a message names an option, `--workers`; or something in it, of a file: `env.HOME`. */
  nameOf(key: keyof UserConfig, below?: SettingPath): string;
  /** How a message names a key that does not exist, which can only stand in a file. */
  nameOfKey(at: SettingPath): string;
}

/** @throws ConfigError for the first value that cannot be used; it names the option, what was expected and what was received */
export async function resolveConfig(user: UserConfig, context: ResolveContext): Promise<ResolvedConfig> {
  const parsed = parseUserConfig(user, context);
  const directory = resolveDirectory(parsed.chdir, context);
  checkTemporaryFolder(context);
  const absolute = (file: string): string => path.resolve(directory, file);
  const privileges: WantedPrivileges = {
    user: parsed.user ?? null,
    group: parsed.group ?? null,
    umask: parsed.umask ?? null,
    allowRoot: parsed.allowRoot ?? false,
  };
  const endpoints = resolveEndpoints(parsed.bind, directory, context);
  const tls = resolveTls(parsed, endpoints, { ...context, directory });
  const found: Target | { readonly kind: 'site' } =
    parsed.apps === undefined && parsed.routes === undefined
      ? detectTarget(parsed.target ?? noTarget(), directory, {
          kind: parsed.kind,
          name: context.nameOf('target'),
        })
      : { kind: 'site' };
  checkKind(user, found.kind, (key) => context.nameOf(key));
  if (context.hasOwnUser === true) checkOwnUser(user, found.kind, (key) => context.nameOf(key));
  const site =
    found.kind === 'site'
      ? await resolveSite(parsed, user, {
          ...context,
          directory,
          isShared: (parsed.gateways ?? 1) > 1,
          resolveApplication: resolveConfig,
        })
      : null;
  const middleware = resolveMiddleware(parsed.middleware, {
    directory,
    nameOf: (at) => context.nameOf('middleware', at),
    takesPython: found.kind === 'wsgi',
    isShared: (parsed.gateways ?? 1) > 1,
  });
  return {
    target: site !== null ? describeApps(site) : found.kind === 'wsgi' ? found.target : parsed.target!,
    cgi: found.kind === 'cgi' ? resolveCgi(parsed, found.path, { ...context, directory }) : null,
    files: found.kind === 'static' ? resolveStatic(parsed, found.path, (key) => context.nameOf(key)) : null,
    module: found.kind === 'app' ? checkModule(parsed.target!, directory, context.nameOf('target')) : null,
    site,
    middleware: middleware.entries,
    wsgiMiddleware: middleware.python,
    validate: parsed.validate ?? false,
    endpoints: [...endpoints, ...resolveRedirect(parsed.tlsRedirect, directory, context)],
    tls,
    ...(site === null
      ? resolveProcesses(parsed, found.kind, { directory, context })
      : resolveSiteProcesses(parsed, site)),
    threads: parsed.threads ?? DEFAULTS.threads,
    directory,
    searchPath: [...splitCommas(parsed.pythonpath).map(absolute), directory],
    sendfileRoots: resolveSendfileRoots(parsed.sendfileRoot ?? [], directory, context),
    env: Object.fromEntries((parsed.env ?? []).map(splitEntry)),
    timeoutMs: parsed.timeout ?? DEFAULTS.timeoutMs,
    queueTimeoutMs: parsed.queueTimeout ?? DEFAULTS.queueTimeoutMs,
    gracefulTimeoutMs: parsed.gracefulTimeout ?? DEFAULTS.gracefulTimeoutMs,
    recycling: {
      maxRequests: parsed.maxRequests ?? 0,
      maxRequestsJitter: parsed.maxRequestsJitter ?? 0,
      maxAgeMs: parsed.maxWorkerAge ?? 0,
      maxRssBytes: parsed.maxWorkerRss ?? 0,
    },
    preload: parsed.preload ?? false,
    reloadOnChange: site === null ? resolveReload(parsed, absolute) : joinReloads(site),
    privileges,
    hasOwnUser: context.hasOwnUser ?? false,
    dev: parsed.dev ?? false,
    limits: {
      ...DEFAULT_LIMITS,
      maxRequestLineBytes: parsed.limitRequestLine ?? DEFAULT_LIMITS.maxRequestLineBytes,
      maxFields: parsed.limitRequestFields ?? DEFAULT_LIMITS.maxFields,
      maxFieldBytes: parsed.limitRequestFieldSize ?? DEFAULT_LIMITS.maxFieldBytes,
      // 0 is "no limit" for people only; the server compares.
      maxBodyBytes: (parsed.maxBodySize ?? DEFAULT_LIMITS.maxBodyBytes) || Number.MAX_SAFE_INTEGER,
    },
    deadlines: { ...DEFAULT_DEADLINES, keepAliveMs: parsed.keepAlive ?? DEFAULT_DEADLINES.keepAliveMs },
    trustedProxies: resolveTrustedProxies(parsed.forwardedAllowIps, context),
    proxyProtocol: resolveProxyProtocol(parsed, context),
    backlog: parsed.backlog ?? DEFAULTS.backlog,
    accessLog: resolveAccessLog(parsed, directory, context),
    logLevel: parsed.logLevel ?? DEFAULTS.logLevel,
    controlSocket: resolveControlSocket(parsed.controlSocket, directory, context),
    pidFile: parsed.pid === undefined ? null : resolveFile('pid', parsed.pid, directory, context),
    // Last: it starts a program, and everything above is checked in no time.
    python: await resolvePython(parsed, found.kind, { directory, context, privileges }),
  };
}

interface PythonContext extends ProcessContext {
  readonly privileges: WantedPrivileges;
}

/** The launcher of programs is ours, and runs with any Python, or is done without. */
async function resolvePython(
  { python, cgiUser }: ParsedConfig,
  kind: Kind,
  { directory, context, privileges }: PythonContext,
): Promise<Interpreter | null> {
  const { env } = context;
  if (kind === 'static' || kind === 'app') return null;
  if (kind !== 'wsgi' && !hasPython(python, { directory, context })) return null;
  return await chooseInterpreter({
    python,
    name: context.nameOf('python'),
    directory,
    virtual: kind === 'wsgi',
    env,
    // Programs of another user are started by root, with an interpreter that nobody else can change.
    check:
      cgiUser === undefined
        ? undefined
        : (file) => context.checkLauncher?.(file, cgiUser, context.nameOf('cgiUser')),
    runAs: cgiUser === undefined ? context.runAs?.(privileges, context.nameOf) : undefined,
  });
}

function joinReloads({ apps }: SiteConfig): ResolvedConfig['reloadOnChange'] {
  const reloads = [...apps.values()].flatMap(({ reloadOnChange }) => reloadOnChange ?? []);
  return reloads.length === 0 ? null : { extraFiles: reloads.flatMap(({ extraFiles }) => extraFiles) };
}

function describeApps({ apps }: SiteConfig): string {
  return apps.size === 0 ? 'routes' : [...apps.keys()].join(', ');
}

function resolveReload(
  { reload, reloadExtraFile = [] }: ParsedConfig,
  absolute: (file: string) => string,
): ResolvedConfig['reloadOnChange'] {
  return reload === true ? { extraFiles: reloadExtraFile.map(absolute) } : null;
}

function resolveControlSocket(
  socket: string | undefined,
  directory: string,
  context: ResolveContext,
): string | null {
  if (socket === undefined) return 'default';
  return socket === 'none' ? null : resolveFile('controlSocket', socket, directory, context);
}

function resolveDirectory(chdir: string | undefined, context: ResolveContext): string {
  const directory = path.resolve(context.cwd, chdir ?? '.');
  if (isDirectory(directory)) return directory;
  throw refuse(context.nameOf('chdir'), 'a directory', chdir);
}

/** Where the workers' socket and spooled bodies go, by os.tmpdir(). */
function checkTemporaryFolder({ env, cwd }: ResolveContext): void {
  const folder = env['TMPDIR'];
  if (!folder || isDirectory(path.resolve(cwd, folder))) return;
  throw refuse('the variable TMPDIR', 'a directory', folder);
}

function resolveTrustedProxies(text: string | undefined, context: ResolveContext): string {
  const variable = context.env['FORWARDED_ALLOW_IPS'];
  const name = text === undefined ? 'the variable FORWARDED_ALLOW_IPS' : context.nameOf('forwardedAllowIps');
  return checkProxies(text ?? variable ?? DEFAULTS.forwardedAllowIps, name);
}

function resolveProxyProtocol(
  { proxyProtocol = false, proxyAllowFrom }: ParsedConfig,
  context: ResolveContext,
): string | null {
  const name = context.nameOf('proxyAllowFrom');
  if (proxyProtocol) return checkProxies(proxyAllowFrom ?? DEFAULTS.proxyAllowFrom, name);
  if (proxyAllowFrom !== undefined)
    throw new ConfigError('XGI_CONFIG_VALUE', `${name} needs ${context.nameOf('proxyProtocol')}`);
  return null;
}

function checkProxies(value: string, name: string): string {
  try {
    parseTrustedProxies(value);
    return value;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw refuse(name, 'addresses or ranges (10.0.0.0/8) separated by commas, * for all, or nothing', value);
  }
}

function resolveAccessLog(
  { accessLogfile, accessLogformat }: ParsedConfig,
  directory: string,
  context: ResolveContext,
): ResolvedConfig['accessLog'] {
  const format = accessLogformat ?? DEFAULTS.accessLogFormat;
  if (accessLogfile === undefined) return { file: null, format };
  if (accessLogfile === '-') return { file: '-', format };
  return { file: resolveFile('accessLogfile', accessLogfile, directory, context), format };
}

/** The absolute path of a file that will be made. Its folder must be there: nothing here makes folders. */
function resolveFile(
  key: keyof UserConfig,
  file: string,
  directory: string,
  context: ResolveContext,
): string {
  const absolute = path.resolve(directory, file);
  checkFolder(key, absolute, file, context);
  return absolute;
}

function noTarget(): never {
  throw new ConfigError(
    'XGI_CONFIG_TARGET',
    'no TARGET given, and none in the configuration file; for example xgi wsgi:app, or target: wsgi:app, for the callable app of wsgi.py',
  );
}

function splitCommas(text: string | undefined): readonly string[] {
  return (text ?? '').split(',').filter((part) => part !== '');
}

function splitEntry(entry: string): readonly [string, string] {
  const equals = entry.indexOf('=');
  return [entry.slice(0, equals), entry.slice(equals + 1)];
}
