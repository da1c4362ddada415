/**
 * `xgi check`: all that a start would find out, without one. Reads the certificates, tries the addresses, loads each application in one worker and stops it
 * again. What a start would not mind, and its author should, are warnings.
 */
import type { ResolvedConfig } from '../config/resolve.js';
import { CONTROLS, createEscape } from '../observe/escape.js';
import { ProgramLog } from '../observe/program-log.js';
import { checkReach, checkRoot, dropPrivileges, resolvePrivileges } from '../process/privileges.js';
import { createApplication, reachesOf, subjectOf } from '../service/application.js';
import { siteOf } from '../service/site-application.js';
import { loadTls } from '../service/tls.js';
import { findBrokenPrograms } from './broken-programs.js';
import { findCertificateProblems } from './check-certificates.js';
import { checkEndpoints } from './check-endpoints.js';
import { findExposures } from './exposed-files.js';
import { findOrderMistakes } from './middleware-order.js';

const LOG_CLOSE_MS = 1000;

const escapeLine = createEscape(CONTROLS);

export interface CheckOptions {
  readonly config: ResolvedConfig;
  /** The configuration file, absolute; undefined if there is none. */
  readonly file: string | undefined;
  readonly version: string;
  /** How a message names an option: `--user`. */
  readonly nameOf: (option: 'user' | 'group' | 'allowRoot') => string;
}

/**
 * As the user that would serve it.
 *
 * @returns the exit status 0
 * @throws BootError if the application cannot be loaded, ConfigError for an address or a certificate that cannot be used, or if it would run as root
 */
export async function check({ config, file, version, nameOf }: CheckOptions): Promise<number> {
  const privileges = resolvePrivileges(config.privileges, { nameOf });
  const subject = subjectOf(config);
  checkRoot({ subject, privileges, allowRoot: config.privileges.allowRoot, nameOf });
  // A start's own messages would only hide the answer.
  const level = config.logLevel === 'info' ? 'warning' : config.logLevel;
  const log = new ProgramLog({ level });
  const application = createApplication({
    config: withOneWorker(config),
    index: 0,
    canChange: false,
    version,
    privileges,
    log,
  });
  const warnings: string[] = [];
  try {
    const tls = config.tls === null ? null : await loadTls(config.tls, log);
    if (tls !== null) warnings.push(...findCertificateProblems(config, tls));
    for (const note of await checkEndpoints(config)) tell(note);
    try {
      await application.prepare();
      dropPrivileges(privileges);
      for (const reach of reachesOf(config)) checkReach(privileges, reach);
      await application.start();
    } finally {
      await application.stop(config.gracefulTimeoutMs);
    }
  } finally {
    await log.close(LOG_CLOSE_MS);
  }
  for (const { cgi } of siteOf(config).apps.values())
    if (cgi !== null) warnings.push(...findBrokenPrograms(cgi));
  warnings.push(...findExposures(config, { configFile: file }));
  warnings.push(...findOrderMistakes(config));
  for (const warning of warnings) tell(`warning: ${warning}`);
  for (const [name, app] of siteOf(config).apps)
    tell(`${name === '' ? '' : `${name}: `}${app.target} can be served (${describe(app)})`);
  return 0;
}

function tell(sentence: string): void {
  process.stdout.write(`xgi: ${escapeLine(sentence)}\n`);
}

const ONE = { min: 1, max: 1 };

function withOneWorker(config: ResolvedConfig): ResolvedConfig {
  if (config.site === null) return oneOf(config);
  const apps = [...config.site.apps].map(([name, app]) => [name, oneOf(app)] as const);
  return { ...oneOf(config), site: { ...config.site, apps: new Map(apps) } };
}

/** What runs in the gateway stays there. */
function oneOf(config: ResolvedConfig): ResolvedConfig {
  return { ...config, workers: config.workers.max === 0 ? config.workers : ONE, gateways: 1 };
}

function describe({ files, module, python }: ResolvedConfig): string {
  if (module !== null) return 'a TypeScript application';
  if (files !== null) return 'static files';
  return python === null ? 'without Python' : `${python.path}, Python ${python.version}`;
}
