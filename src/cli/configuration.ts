/** The settings of a run: those of the configuration file, or of what was found without one, and over them those of XGI_CMD_ARGS and the command line. */
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Detection } from '../config/detect-project.js';
import { type ConfigFile, findConfigFile, loadConfigFile, type SettingPath } from '../config/file.js';
import { resolveConfig, type ResolveContext, type ResolvedConfig } from '../config/resolve.js';
import { SERVER_SETTINGS, type UserConfig } from '../config/schema.js';
import { ConfigError } from '../errors.js';
import type { WantedPrivileges } from '../types.js';
import { resolvePrivileges } from '../process/privileges.js';
import { checkLauncher as checkRootsLauncher } from '../process/program-user.js';
import { importXgi } from '../service/load-module.js';
import type { ReadConfig } from '../service/reload.js';
import { isSameConfig, siteOf } from '../service/site-application.js';
import type { CommandLine } from './command-line.js';
import { detect, folderToDetect, overlay } from './detected.js';

export interface Configuration {
  /** As it was written. */
  readonly user: UserConfig;
  readonly resolved: ResolvedConfig;
  /** undefined if there is none. */
  readonly file: ConfigFile | undefined;
  /** Set if nothing said what is served, and the folder was looked into. */
  readonly detection: Detection | undefined;
  /** How a message names a setting, and where it was given. */
  nameOf(key: keyof UserConfig, below?: SettingPath): string;
}

export interface ConfigurationContext {
  /** See {@link ResolveContext}. */
  readonly kept?: ResolveContext['kept'];
  /** Where the user has started this process. */
  readonly cwd: string;
  /** Listening sockets that were passed on by systemd. */
  readonly inheritedFds: readonly number[];
}

/**
 * Reads the file, or looks into the folder, anew each time, and resolves all settings.
 *
 * @throws ConfigError; one about the file shows the line
 */
export async function readConfiguration(
  { config: given, configFile, nameOf: nameOfFlag }: CommandLine,
  { cwd, inheritedFds, kept }: ConfigurationContext,
): Promise<Configuration> {
  const folder = folderToDetect(given, cwd);
  const { file, isOfFolder } = await readFile(configFile, cwd, folder);
  // The file of a folder that was named says what is served there.
  const { target: _, chdir: __, ...others } = given;
  const flags: UserConfig = isOfFolder ? others : given;
  const nameOf: Configuration['nameOf'] = (key, below = []) => {
    if (file !== undefined && !(key in flags) && key in file.settings) return file.nameOf([key, ...below]);
    const [name, setting] = below;
    // Of what was found, where a flag went into each application.
    if (key !== 'apps' || setting === undefined || file !== undefined) return nameOfFlag(key);
    return setting in given ? nameOfFlag(setting as keyof UserConfig) : `${setting} of ${name}`;
  };
  const runAs: NonNullable<ResolveContext['runAs']> = (wanted, nameOfOption) => {
    const { uid, gid, env } = resolvePrivileges(wanted, { nameOf: nameOfOption });
    return uid === null || gid === null ? undefined : { uid, gid, env };
  };
  const checkLauncher: ResolveContext['checkLauncher'] = (python, cgiUser, name) =>
    checkRootsLauncher({ user: cgiUser, python, name });
  const detection =
    file === undefined && folder !== undefined
      ? await detect(folder, flags, { env: process.env, runAs: () => runAs(wantedBy(flags), nameOf), nameOf })
      : undefined;
  const isDetected = detection !== undefined && !isItself(detection);
  const user: UserConfig = isDetected
    ? overlay(detection, flags, nameOf)
    : { ...file?.settings, ...detection?.config, ...flags };
  try {
    const resolved = await resolveConfig(user, {
      cwd: isDetected
        ? detection.folder
        : file === undefined || 'chdir' in flags
          ? cwd
          : path.dirname(file.path),
      env: process.env,
      inheritedFds,
      runAs,
      checkLauncher,
      ...(kept && { kept }),
      nameOf,
      nameOfKey: (at) => file?.nameOf(at, 'key') ?? String(at[0]),
    });
    return { user, resolved, file, detection, nameOf };
  } catch (error) {
    throw explainBy({ file }, error);
  }
}

/**
 * Reads the file as it is now.
 *
 * @throws ConfigError if it cannot be used; `XGI_RELOAD_RESTART` if something has changed that only a start can change
 */
export async function rereadConfiguration(
  before: Configuration,
  commandLine: CommandLine,
  context: ConfigurationContext,
): Promise<ReadConfig> {
  const kept = new Map<string, ResolvedConfig>();
  const now = await readConfiguration(commandLine, {
    ...context,
    kept: (name, own, at) => {
      if (!isOthers(own)) return undefined;
      const old = before.resolved.site?.apps.get(name);
      if (old === undefined || !isSameOwn(before.user.apps?.[name], own)) throw needsRoot(at);
      kept.set(name, old);
      return old;
    },
  });
  const explain = (error: unknown): unknown => explainBy(now, error);
  const changed = SERVER_SETTINGS.find((key) => !isDeepStrictEqual(before.user[key], now.user[key]));
  if (changed !== undefined)
    throw explain(
      new ConfigError(
        'XGI_RELOAD_RESTART',
        `${now.nameOf(changed)}: it has changed, and is read at the start only; restart xgi, or put it back`,
      ),
    );
  for (const [name, app] of siteOf(now.resolved).apps) {
    const old = kept.get(name);
    if (old !== undefined && !isSameConfig(old, app)) throw explain(needsRoot(now.nameOf('apps', [name])));
  }
  return { config: now.resolved, explain };
}

/** The same error, with the line of the configuration file if it is about one. */
export function explainBy({ file }: Pick<Configuration, 'file'>, error: unknown): unknown {
  return file === undefined ? error : file.explain(error);
}

/** Whether the workers of that application are neither root's to start, any more, nor this process's. */
function isOthers({ user, group }: UserConfig): boolean {
  if ((user === undefined && group === undefined) || process.geteuid!() === 0) return false;
  try {
    const wanted = { user: textOf(user), group: textOf(group), umask: null };
    resolvePrivileges(wanted, { nameOf: (option) => option });
    return false;
  } catch {
    return true;
  }
}

/** As it is written, but for what stands in front of it. */
function isSameOwn(a: UserConfig | undefined, b: UserConfig): boolean {
  return isDeepStrictEqual({ ...a, middleware: null }, { ...b, middleware: null });
}

function needsRoot(at: string): ConfigError {
  return new ConfigError(
    'XGI_RELOAD_RESTART',
    `${at}: it has changed, or is new, and its user is one that only root can start workers as, which has been given up; restart xgi, or put it back`,
  );
}

/** Whether the folder as a whole is what is served, as with `xgi static DIR`: paths are relative to where xgi was started. */
function isItself({ config }: Detection): boolean {
  return config.target === '.';
}

function wantedBy({ user, group, allowRoot = false }: UserConfig): WantedPrivileges {
  return { user: textOf(user), group: textOf(group), umask: null, allowRoot };
}

function textOf(value: UserConfig['user']): string | null {
  return value === undefined ? null : String(value);
}

/**
 * @param written as with `--config`: a path; `none` for no file; undefined to look in the working directory, then in the folder
 * @param folder that is to be served
 */
async function readFile(
  written: string | undefined,
  cwd: string,
  folder: string | undefined,
): Promise<{ readonly file: ConfigFile | undefined; readonly isOfFolder: boolean }> {
  if (written === 'none') return { file: undefined, isOfFolder: false };
  const own = written === undefined ? findConfigFile(cwd) : path.resolve(cwd, written);
  const found = own ?? (folder === undefined ? undefined : findConfigFile(folder));
  const file = found === undefined ? undefined : await loadConfigFile(found, cwd, importXgi);
  return { file, isOfFolder: file !== undefined && own === undefined };
}
