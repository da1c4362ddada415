/** The settings of a run: those of the configuration file, and over them those of XGI_CMD_ARGS and the command line. */
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { type ConfigFile, findConfigFile, loadConfigFile, type SettingPath } from '../config/file.js';
import { resolveConfig, type ResolveContext, type ResolvedConfig } from '../config/resolve.js';
import { SERVER_SETTINGS, type UserConfig } from '../config/schema.js';
import { ConfigError } from '../errors.js';
import { resolvePrivileges } from '../process/privileges.js';
import { checkLauncher as checkRootsLauncher } from '../process/program-user.js';
import { importXgi } from '../service/load-module.js';
import type { CommandLine } from './command-line.js';

export interface Configuration {
  /** As it was written. */
  readonly user: UserConfig;
  readonly resolved: ResolvedConfig;
  /** undefined if there is none. */
  readonly file: ConfigFile | undefined;
  /** How a message names a setting, and where it was given. */
  nameOf(key: keyof UserConfig, below?: SettingPath): string;
}

export interface ConfigurationContext {
  /** Where the user has started this process. */
  readonly cwd: string;
  /** Listening sockets that were passed on by systemd. */
  readonly inheritedFds: readonly number[];
}

/**
 * Reads the file, anew each time, and resolves all settings.
 *
 * @throws ConfigError; one about the file shows the line
 */
export async function readConfiguration(
  { config: flags, configFile, nameOf: nameOfFlag }: CommandLine,
  { cwd, inheritedFds }: ConfigurationContext,
): Promise<Configuration> {
  const file = await readFile(configFile, cwd);
  const nameOf: Configuration['nameOf'] = (key, below = []) =>
    file === undefined || key in flags || !(key in file.settings)
      ? nameOfFlag(key)
      : file.nameOf([key, ...below]);
  const user: UserConfig = { ...file?.settings, ...flags };
  const runAs: ResolveContext['runAs'] = (wanted) => {
    const { uid, gid, env } = resolvePrivileges(wanted, { nameOf });
    return uid === null || gid === null ? undefined : { uid, gid, env };
  };
  const checkLauncher: ResolveContext['checkLauncher'] = (python, cgiUser) =>
    checkRootsLauncher({ user: cgiUser, python, name: nameOf('cgiUser') });
  try {
    const resolved = await resolveConfig(user, {
      cwd: file === undefined || 'chdir' in flags ? cwd : path.dirname(file.path),
      env: process.env,
      inheritedFds,
      runAs,
      checkLauncher,
      nameOf,
      nameOfKey: (at) => file?.nameOf(at, 'key') ?? String(at[0]),
    });
    return { user, resolved, file, nameOf };
  } catch (error) {
    throw file !== undefined && error instanceof ConfigError ? file.explain(error) : error;
  }
}

/** Whether a reload reads the file again. Several gateways read it at their start only, each for itself. */
export function readsAgain({ file, resolved }: Configuration): boolean {
  return file !== undefined && resolved.gateways === 1;
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
): Promise<ResolvedConfig> {
  const now = await readConfiguration(commandLine, context);
  const changed = SERVER_SETTINGS.find((key) => !isDeepStrictEqual(before.user[key], now.user[key]));
  if (changed === undefined) return now.resolved;
  const error = new ConfigError(
    'XGI_RELOAD_RESTART',
    `${now.nameOf(changed)}: it has changed, and is read at the start only; restart xgi, or put it back`,
  );
  throw now.file?.explain(error) ?? error;
}

/** @param written as with `--config`: a path; `none` for no file; undefined to look in the working directory */
async function readFile(written: string | undefined, cwd: string): Promise<ConfigFile | undefined> {
  if (written === 'none') return undefined;
  const file = written === undefined ? findConfigFile(cwd) : path.resolve(cwd, written);
  return file === undefined ? undefined : await loadConfigFile(file, cwd, importXgi);
}
