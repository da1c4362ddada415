/** What a gateway serves, whatever its kind. */
import path from 'node:path';
import type { Kind } from '../config/kinds.js';
import type { ResolvedConfig } from '../config/resolve.js';
import { staticFolder } from '../config/static.js';
import type { Privileges, Reach, RootCheck } from '../process/privileges.js';
import type { Handler, Log, Middleware, WorkerRange } from '../types.js';
import { LAUNCHER_PROGRAM } from '../programs/launcher-process.js';
import type { PoolStatus } from '../workers/status.js';
import { PROGRAM } from '../workers/supervisor.js';
import { createAppApplication } from './app-application.js';
import { CgiApplication, siteFolder } from './cgi-application.js';
import { SiteApplication } from './site-application.js';
import { StaticApplication } from './static-application.js';
import type { ReloadOutcome } from './status.js';
import { interpreterOf, WsgiApplication } from './wsgi-application.js';

export interface Application {
  readonly handler: Handler;
  /** Static files in front of another application: it is asked for what there is no file for. Others have none. */
  readonly middleware?: Middleware;
  /** Does what only root can do. Called once, before root is given up. */
  prepare(): Promise<void>;
  /** @throws BootError if it cannot be loaded */
  start(): Promise<void>;
  /** Loads its code anew. */
  reload(): Promise<ReloadOutcome>;
  /**
   * @param name of one of several applications
   * @throws ConfigError if that cannot be
   */
  scale(workers: WorkerRange, name?: string): void;
  status(): PoolStatus;
  stop(graceMs: number): Promise<void>;
}

/** Where messages go, and what programs write to their standard error. */
export interface ServiceLog extends Log {
  /** @param lines as they are; each ends with a newline */
  passOn(lines: string): void;
}

export interface ApplicationOptions {
  readonly config: ResolvedConfig;
  /** Which of the gateways it is in, and so its share of the workers; 0 is the first. */
  readonly index: number;
  readonly version: string;
  /** Who the gateway is, or will be; and what that brings with it for the environment. */
  readonly privileges: Privileges;
  readonly log: ServiceLog;
  /** Called with the files that it imports, if changes are to be seen. */
  readonly onFiles?: (paths: readonly string[]) => void;
  /** Called if it cannot go on without being started again. */
  readonly onLost?: () => void;
  /** There is a file, which a reload reads again. */
  readonly canChange: boolean;
  /** Where local redirects go; default: to the application itself. */
  readonly route?: Handler;
}

/** Makes it; starts nothing. */
export function createApplication(options: ApplicationOptions): Application {
  const { config, canChange } = options;
  if (config.site === null && !canChange && config.middleware.length === 0) return createAlone(options);
  return new SiteApplication({ ...options, create: createAlone });
}

function createAlone(options: ApplicationOptions): Application {
  const { cgi, files, module } = options.config;
  if (module !== null) return createAppApplication(options, module);
  if (files !== null) return new StaticApplication(files);
  return cgi === null ? new WsgiApplication(options) : new CgiApplication(options, cgi);
}

/** What it serves. */
export function kindOf({ cgi, files, module, site }: ResolvedConfig): Kind {
  if (site !== null) return 'site';
  if (module !== null) return 'app';
  if (files !== null) return 'static';
  return cgi === null ? 'wsgi' : 'cgi';
}

/** Who would be root, for {@link RootCheck}. */
export function subjectOf(config: ResolvedConfig): RootCheck['subject'] {
  return SUBJECTS[kindOf(config)];
}

const SUBJECTS: Readonly<Record<Kind, RootCheck['subject']>> = {
  wsgi: 'the application',
  cgi: 'CGI programs',
  static: 'xgi',
  app: 'the application',
  site: 'the applications',
};

/** What the user that xgi runs as has to reach. What an application with a user of its own has to, is looked at as that one. */
export function reachesOf(config: ResolvedConfig): readonly Reach[] {
  if (config.site === null) return [reachOf(config)];
  return [...config.site.apps.values()].filter(({ hasOwnUser }) => !hasOwnUser).map(reachOf);
}

function reachOf(config: ResolvedConfig): Reach {
  const { cgi, files, module, directory, python } = config;
  if (module !== null) return { directory: path.dirname(module) };
  if (files !== null) return { directory: staticFolder(files) };
  if (cgi === null) return { directory, python: interpreterOf(config).path, program: PROGRAM };
  return {
    directory: siteFolder(cgi),
    ...(cgi.user === null && python ? { python: python.path, program: LAUNCHER_PROGRAM } : {}),
  };
}
