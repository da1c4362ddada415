/** `xgi check`: loads each application in one worker, as a start would, and stops it again. Listens nowhere. */
import type { ResolvedConfig } from '../config/resolve.js';
import { ProgramLog } from '../observe/program-log.js';
import { checkReach, checkRoot, dropPrivileges, resolvePrivileges } from '../process/privileges.js';
import { createApplication, reachesOf, subjectOf } from '../service/application.js';
import { siteOf } from '../service/site-application.js';
import { loadTls } from '../service/tls.js';
import { findBrokenPrograms } from './broken-programs.js';

const LOG_CLOSE_MS = 1000;

export interface CheckOptions {
  readonly config: ResolvedConfig;
  readonly version: string;
  /** How a message names an option: `--user`. */
  readonly nameOf: (option: 'user' | 'group' | 'allowRoot') => string;
}

/**
 * As the user that would serve it.
 *
 * @returns the exit status 0
 * @throws BootError if the application cannot be loaded, ConfigError if it would run as root
 */
export async function check({ config, version, nameOf }: CheckOptions): Promise<number> {
  const privileges = resolvePrivileges(config.privileges, { nameOf });
  const subject = subjectOf(config);
  checkRoot({ subject, privileges, allowRoot: config.privileges.allowRoot, nameOf });
  // A start's own messages would only hide the answer.
  const level = config.logLevel === 'info' ? 'warning' : config.logLevel;
  const log = new ProgramLog({ level });
  const application = createApplication({
    config: withOneWorker(config),
    workers: ONE,
    version,
    privileges,
    log,
  });
  try {
    if (config.tls !== null) await loadTls(config.tls, log);
    await application.prepare();
    dropPrivileges(privileges);
    for (const reach of reachesOf(config)) checkReach(privileges, reach);
    await application.start();
    await application.stop(config.gracefulTimeoutMs);
  } finally {
    await log.close(LOG_CLOSE_MS);
  }
  for (const [name, app] of siteOf(config).apps) {
    for (const problem of findProblems(app)) process.stdout.write(`xgi: warning: ${problem}\n`);
    process.stdout.write(
      `xgi: ${name === '' ? '' : `${name}: `}${app.target} can be served (${describe(app)})\n`,
    );
  }
  return 0;
}

const ONE = { min: 1, max: 1 };

function withOneWorker(config: ResolvedConfig): ResolvedConfig {
  if (config.site === null) return config;
  const apps = [...config.site.apps].map(([name, app]) => [name, { ...app, workers: ONE }] as const);
  return { ...config, site: { ...config.site, apps: new Map(apps) } };
}

function describe({ files, module, python }: ResolvedConfig): string {
  if (module !== null) return 'a TypeScript application';
  if (files !== null) return 'static files';
  return python === null ? 'without Python' : `${python.path}, Python ${python.version}`;
}

/** Programs that cannot be run: those would be answered with 500. */
function findProblems({ cgi }: ResolvedConfig): string[] {
  return cgi === null ? [] : findBrokenPrograms(cgi);
}
