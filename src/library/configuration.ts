/** The settings that a program gives, resolved as those of a configuration file are. */
import { formatPath } from '../config/file.js';
import { resolveConfig, type ResolvedConfig } from '../config/resolve.js';
import type { UserConfig } from '../config/schema.js';
import { ConfigError } from '../errors.js';
import type { Privileges } from '../process/privileges.js';
import { OF_THE_PROCESS } from './options.js';

/** Who this process is, it stays. */
export const UNCHANGED: Privileges = { uid: null, gid: null, groupsOf: null, umask: null, env: {} };

/**
 * Relative paths are relative to the working directory.
 *
 * @param name of the function whose options they are, for messages
 * @throws ConfigError for the first setting that cannot be used
 */
export async function resolveSettings(settings: UserConfig, name: string): Promise<ResolvedConfig> {
  const wrong = OF_THE_PROCESS.find((key) => settings[key] !== undefined);
  if (wrong !== undefined)
    throw new ConfigError(
      'XGI_CONFIG_USAGE',
      `${name}: ${wrong} is for the command xgi, which starts processes; a program is one, and sees to that itself`,
    );
  return await resolveConfig(settings, {
    cwd: process.cwd(),
    env: process.env,
    inheritedFds: [],
    nameOf: (key, below = []) => `${name}: ${formatPath([key, ...below])}`,
    nameOfKey: (at) => `${name}: ${formatPath(at)}`,
  });
}
