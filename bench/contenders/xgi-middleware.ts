/** This project's own server with five middleware in front of the application. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { credentials, passwordFile } from '../credentials.js';
import { appsDirectory } from '../environment/directories.js';
import { serverOfTree, startProgram, type Contender } from './contender.js';
import { isXgiGateway, xgiMissing, xgiProgram, xgiVersion } from './xgi.js';

export const xgiMiddleware: Contender = {
  name: 'xgi-middleware',
  version: xgiVersion,
  settings: (workers) =>
    `${workers} workers behind one gateway process; accessLog (JSON, to a file), requestId, headers (security), compression (which does not apply), basicAuth`,
  missing: xgiMissing,
  async start({ target, workers, port, keepAliveSeconds, environment }) {
    const { scratchDirectory, python } = environment;
    const configurationPath = join(scratchDirectory, 'middleware.json');
    const configuration = {
      target,
      chdir: appsDirectory,
      python: python.interpreter,
      bind: [`127.0.0.1:${port}`],
      workers,
      keepAlive: `${keepAliveSeconds}s`,
      logLevel: 'warning',
      middleware: [
        { accessLog: { file: join(scratchDirectory, `access-${port}.log`), format: 'json' } },
        'requestId',
        { headers: { security: true } },
        'compression',
        { basicAuth: { file: passwordFile(scratchDirectory), realm: credentials.realm } },
      ],
    };
    writeFileSync(configurationPath, JSON.stringify(configuration));
    const root = await startProgram(process.execPath, [xgiProgram, '-c', configurationPath, '--allow-root'], {
      cwd: scratchDirectory,
      accepts: { port },
    });
    return serverOfTree(root, port, isXgiGateway);
  },
};
