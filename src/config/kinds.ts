/** Which options belong to which kind of target: one that would change nothing is a mistake of its author's. */
import { ConfigError } from '../errors.js';
import { APPLICATION_SETTINGS, type UserConfig } from './schema.js';

/** `site`: applications by routes, each of a kind of its own. */
export type Kind = 'wsgi' | 'cgi' | 'site';

type Option = keyof UserConfig;

const OF_WSGI: readonly Option[] = [
  'workers',
  'threads',
  'timeout',
  'pythonpath',
  'preload',
  'reload',
  'reloadExtraFile',
  'maxRequests',
  'maxRequestsJitter',
  'maxWorkerAge',
  'maxWorkerRss',
];

const OF_CGI: readonly Option[] = [
  'mount',
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
  'sendfileRoot',
];

/** What to write instead. */
const FOR_CGI: Partial<Record<Option, string>> = {
  timeout: '; a program has --cgi-timeout and --cgi-idle-timeout',
  workers: '; how many programs run at once is --cgi-concurrency',
  preload: '; modules of Python scripts are loaded in advance with --cgi-preload',
  reload: '; a program is read anew for each request',
};

/** @throws ConfigError `XGI_CONFIG_USAGE` for an option of another kind */
export function checkKind(user: UserConfig, kind: Kind, nameOf: (key: Option) => string): void {
  if (kind === 'site') {
    checkSite(user, nameOf);
    return;
  }
  const [others, own, other] =
    kind === 'cgi'
      ? [OF_WSGI, 'CGI programs', 'a WSGI application']
      : [OF_CGI, 'a WSGI application', 'CGI programs'];
  const wrong = others.find((key) => user[key] !== undefined);
  if (wrong === undefined) return;
  const instead = kind === 'cgi' ? (FOR_CGI[wrong] ?? '') : '';
  throw new ConfigError(
    'XGI_CONFIG_USAGE',
    `${nameOf(wrong)} is for ${other}, and ${JSON.stringify(user.target)} is served as ${own}${instead}`,
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
