import type { UserConfig } from './schema.js';

/** Gives what it is given. For `xgi.config.ts`: an editor then knows the settings. */
export function defineConfig(config: UserConfig): UserConfig {
  return config;
}
