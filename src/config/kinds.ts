/** Which options belong to which kind of target: one that would change nothing is a mistake of its author's. */
import { ConfigError } from '../errors.js';
import { APPLICATION_SETTINGS, type UserConfig } from './schema.js';

/** `site`: applications by routes, each of a kind of its own. */
export type Kind = 'wsgi' | 'cgi' | 'static' | 'app' | 'site';

export type AppKind = Exclude<Kind, 'site'>;

type Option = keyof UserConfig;

/** What a message calls them. */
const NAMES: Readonly<Record<AppKind, string>> = {
  wsgi: 'a WSGI application',
  cgi: 'CGI programs',
  static: 'static files',
  app: 'a TypeScript application',
};

/** What is not here is for all. */
const OPTIONS: readonly (readonly [readonly AppKind[], readonly Option[]])[] = [
  [
    ['wsgi'],
    [
      'threads',
      'pythonpath',
      'preload',
      'validate',
      'maxRequests',
      'maxRequestsJitter',
      'maxWorkerAge',
      'maxWorkerRss',
    ],
  ],
  [
    ['cgi'],
    [
      'passEnv',
      'cgiInterpreter',
      'cgiTimeout',
      'cgiIdleTimeout',
      'cgiConcurrency',
      'cgiUser',
      'cgiWarm',
      'cgiPreload',
      'cgiPassAuthorization',
      'cgiStreamBody',
      'cgiIndexQuery',
      'cgiLimitCpu',
      'cgiLimitMemory',
      'cgiLimitFiles',
      'cgiLimitProcesses',
    ],
  ],
  [['static'], ['listing', 'spa', 'cacheControl', 'precompressed', 'errorPage']],
  [
    ['cgi', 'static'],
    ['mount', 'index'],
  ],
  [
    ['wsgi', 'app'],
    ['workers', 'timeout', 'reload', 'reloadExtraFile'],
  ],
  [
    ['wsgi', 'cgi', 'app'],
    ['env', 'queueTimeout'],
  ],
  [
    ['wsgi', 'cgi'],
    ['python', 'sendfileRoot'],
  ],
];

/** Whether that option of an application changes anything for one of that kind. */
export function isFor(kind: AppKind, option: Option): boolean {
  return OPTIONS.every(([kinds, options]) => !options.includes(option) || kinds.includes(kind));
}

/** What to write instead. */
const INSTEAD: Readonly<Record<AppKind, Partial<Record<Option, string>>>> = {
  wsgi: {},
  cgi: {
    timeout: '; a program has --cgi-timeout and --cgi-idle-timeout',
    workers: '; how many programs run at once is --cgi-concurrency',
    preload: '; modules of Python scripts are loaded in advance with --cgi-preload',
    reload: '; a program is read anew for each request',
  },
  static: {
    workers: '; more processes are started with --gateways',
    reload: '; a file that has changed is seen within a second',
  },
  app: {},
};

/** @throws ConfigError `XGI_CONFIG_USAGE` for an option of another kind */
export function checkKind(user: UserConfig, kind: Kind, nameOf: (key: Option) => string): void {
  if (kind === 'site') {
    checkSite(user, nameOf);
    return;
  }
  if (kind === 'app' && user.workers === undefined) checkInline(user, nameOf);
  for (const [kinds, options] of OPTIONS) {
    const wrong = kinds.includes(kind) ? undefined : options.find((key) => user[key] !== undefined);
    if (wrong === undefined) continue;
    const others = kinds.map((other) => NAMES[other]).join(' and ');
    throw new ConfigError(
      'XGI_CONFIG_USAGE',
      `${nameOf(wrong)} is for ${others}, and ${JSON.stringify(user.target)} is served as ${NAMES[kind]}${INSTEAD[kind][wrong] ?? ''}`,
    );
  }
}

/** What the gateway itself cannot have for an application. */
function checkInline(user: UserConfig, nameOf: (key: Option) => string): void {
  const wrong = (['env', 'timeout', 'queueTimeout'] as const).find((key) => user[key] !== undefined);
  if (wrong === undefined) return;
  throw new ConfigError(
    'XGI_CONFIG_USAGE',
    `${nameOf(wrong)} is for a TypeScript application in threads, and ${JSON.stringify(user.target)} runs in the gateway itself; add ${nameOf('workers')}`,
  );
}

/** @throws ConfigError `XGI_CONFIG_USAGE` if it is for an application whose kind has none, or one of another name */
export function checkOwnUser(user: UserConfig, kind: Kind, nameOf: (key: Option) => string): void {
  if (kind === 'wsgi' || kind === 'site') return;
  const instead =
    kind === 'cgi'
      ? 'programs have cgiUser'
      : 'the gateway serves it, whose user is set for the server as a whole';
  throw new ConfigError(
    'XGI_CONFIG_USAGE',
    `${nameOf('user')}: it is for a WSGI application, and ${JSON.stringify(user.target)} is served as ${NAMES[kind]}; ${instead}`,
  );
}

function checkSite(user: UserConfig, nameOf: (key: Option) => string): void {
  const wrong = APPLICATION_SETTINGS.find((key) => key !== 'chdir' && user[key] !== undefined);
  if (wrong === undefined) return;
  throw new ConfigError(
    'XGI_CONFIG_USAGE',
    wrong === 'target' || wrong === 'kind'
      ? `${nameOf(wrong)}: the configuration has apps and routes, which say what is served; leave it out, or the file with --config none`
      : `${nameOf(wrong)}: it is for one application; with apps and routes, write it into one of apps`,
  );
}
