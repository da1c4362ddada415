/** What `xgi` serves without a configuration file: what was found in the folder (config/detect-project.ts), under the flags. */
import path from 'node:path';
import type { Asking } from '../config/detect-python.js';
import { type Detection, detectProject } from '../config/detect-project.js';
import { isProjectFolder } from '../config/detect.js';
import { isFor } from '../config/kinds.js';
import { chooseInterpreter, type RunAs } from '../config/python.js';
import { APPLICATION_SETTINGS, type UserConfig } from '../config/schema.js';
import { ConfigError } from '../errors.js';
import { CONTROLS, createEscape } from '../observe/escape.js';
import { cleanEnvironment } from '../process/environment.js';

const escapeLine = createEscape(CONTROLS);

export interface DetectionContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whom the application is to run as; undefined for this user. */
  readonly runAs: () => RunAs | undefined;
  nameOf(key: keyof UserConfig): string;
}

/** The folder that has to be looked into, if nothing says what is served; undefined if something does. */
export function folderToDetect({ target, kind, chdir = '.' }: UserConfig, cwd: string): string | undefined {
  const directory = path.resolve(cwd, String(chdir));
  if (kind !== undefined) return undefined;
  if (target === undefined) return directory;
  return isProjectFolder(target, directory) ? path.resolve(directory, target) : undefined;
}

/** @throws ConfigError if there is nothing to serve */
export async function detect(
  folder: string,
  flags: UserConfig,
  { env, runAs }: DetectionContext,
): Promise<Detection> {
  const asking = async (): Promise<Asking> => {
    const user = runAs();
    if (user === undefined && process.geteuid?.() === 0 && flags.allowRoot !== true) return null;
    const own = splitEntries(flags.env);
    const python = await chooseInterpreter({
      python: flags.python as string | undefined,
      directory: folder,
      env,
      runAs: user,
    });
    const others = String(flags.pythonpath ?? '')
      .split(',')
      .filter((name) => name !== '')
      .map((name) => path.resolve(folder, name));
    return {
      python,
      searchPath: [...others, folder],
      env: { ...cleanEnvironment(env), ...own },
      runAs: user,
    };
  };
  return await detectProject(folder, asking);
}

/**
 * The flags over what was found. With several applications, one that is for an application is for each that it means something to.
 *
 * @throws ConfigError `XGI_CONFIG_USAGE` for a flag that means nothing to any
 */
export function overlay(
  { config }: Detection,
  given: UserConfig,
  nameOf: DetectionContext['nameOf'],
): UserConfig {
  // They said which folder.
  const { target: _, chdir: __, ...flags } = given;
  if (config.apps === undefined) return withFlags(config, flags);
  const isOfApp = (key: string): boolean => APPLICATION_SETTINGS.some((name) => name === key);
  const settings = Object.entries(flags) as [keyof UserConfig, never][];
  const apps = Object.entries(config.apps).map(([name, app]) => {
    const fitting = settings.filter(
      ([key]) => isOfApp(key) && key !== 'mount' && isFor(app.kind ?? 'wsgi', key),
    );
    return [name, withFlags(app, Object.fromEntries(fitting))] as const;
  });
  const idle = settings.find(([key]) => isOfApp(key) && apps.every(([, app]) => !(key in app)));
  if (idle !== undefined)
    throw new ConfigError(
      'XGI_CONFIG_USAGE',
      `${nameOf(idle[0])} means nothing to what was found (${apps.map(([name]) => name).join(', ')}); leave it out, or write a file with xgi init`,
    );
  const server = Object.fromEntries(settings.filter(([key]) => !isOfApp(key)));
  return { ...server, apps: Object.fromEntries(apps), ...(config.routes && { routes: config.routes }) };
}

function withFlags<T extends Pick<UserConfig, 'env'>>(config: T, flags: UserConfig): T {
  const env = [config.env, flags.env].flatMap((entries) => (Array.isArray(entries) ? entries : []));
  return { ...config, ...flags, ...(env.length > 0 && { env }) };
}

function splitEntries(env: UserConfig['env']): Record<string, string> {
  const entries = Array.isArray(env) ? env : [];
  return Object.fromEntries(
    entries.map((entry) => {
      const [name = '', ...value] = entry.split('=');
      return [name, value.join('=')];
    }),
  );
}

/** A line for each thing that was found, and what becomes of it. */
export function describeDetection({ folder, parts, notes }: Detection): string {
  const all = [...parts, ...notes];
  const width = Math.min(24, Math.max(...all.map(({ found }) => found.length)));
  const lines = all.map(({ found, use }) => `  ${escapeLine(found.padEnd(width))}  ${escapeLine(use)}\n`);
  return `xgi: found in ${escapeLine(folder)}:\n${lines.join('')}`;
}
