/** Caddy's file server, by its defaults. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { firstLineOf } from '../../environment/programs.js';
import { serverOfTree, startProgram } from '../contender.js';
import type { StaticContender } from './static-contender.js';

export const caddyStatic: StaticContender = {
  name: 'caddy',
  version: ({ caddy = '' }) => `Caddy ${firstLineOf(caddy, ['version']).replace(/^v/, '')}`,
  settings: () => 'file_server, 1 process, as many threads as cores, no log',
  missing: ({ caddy }) => (caddy ? undefined : "Debian's package caddy is not installed"),
  async start({ target, port, keepAliveSeconds, environment }) {
    const { caddy = '', scratchDirectory } = environment;
    const directory = mkdtempSync(join(scratchDirectory, 'caddy-'));
    const configurationPath = join(directory, 'caddy.json');
    const configuration = {
      admin: { disabled: true, config: { persist: false } },
      logging: { logs: { default: { level: 'ERROR' } } },
      storage: { module: 'file_system', root: directory },
      apps: {
        http: {
          servers: {
            files: {
              listen: [`127.0.0.1:${port}`],
              automatic_https: { disable: true },
              idle_timeout: `${keepAliveSeconds}s`,
              routes: [{ handle: [{ handler: 'file_server', root: target.root }] }],
            },
          },
        },
      },
    };
    writeFileSync(configurationPath, JSON.stringify(configuration));
    const root = await startProgram(caddy, ['run', '--config', configurationPath], {
      cwd: directory,
      accepts: { port },
    });
    return serverOfTree(root, port);
  },
};
