/** This project's own server, with a configuration file. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { serverOfTree, startProgram } from '../contender.js';
import { isXgiGateway, xgiMissing, xgiProgram, xgiVersion } from '../xgi.js';
import type { StaticContender, StaticStartRequest } from './static-contender.js';

export interface XgiConfigured {
  readonly name: string;
  readonly settings: (workers: number) => string;
  /** `apps`, `routes` and what else it needs. */
  readonly configure: (request: StaticStartRequest) => Readonly<Record<string, unknown>>;
}

export function xgiConfigured({ name, settings, configure }: XgiConfigured): StaticContender {
  return {
    name,
    version: xgiVersion,
    settings,
    missing: xgiMissing,
    async start(request) {
      const { port, keepAliveSeconds, environment } = request;
      const configurationPath = join(environment.scratchDirectory, `${name}.json`);
      const configuration = {
        bind: [`127.0.0.1:${port}`],
        keepAlive: `${keepAliveSeconds}s`,
        logLevel: 'warning',
        ...configure(request),
      };
      writeFileSync(configurationPath, JSON.stringify(configuration));
      const args = [xgiProgram, '-c', configurationPath, '--allow-root'];
      const root = await startProgram(process.execPath, args, {
        cwd: environment.scratchDirectory,
        accepts: { port },
      });
      return serverOfTree(root, port, isXgiGateway);
    },
  };
}
