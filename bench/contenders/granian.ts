/** Granian: HTTP in Rust, the application in threads of its worker processes. */
import { existsSync } from 'node:fs';
import { appsDirectory } from '../environment/directories.js';
import { firstLineOf } from '../environment/programs.js';
import { serverOfTree, startProgram, type Contender } from './contender.js';

export const granian: Contender = {
  name: 'granian',
  version: ({ python }) => firstLineOf(python.script('granian'), ['--version']),
  settings: (workers) => `--interface wsgi --http 1 --no-ws, ${workers} workers, threads by its defaults`,
  missing: ({ python }) =>
    existsSync(python.script('granian')) ? undefined : 'pip could not install granian',
  async start({ target, workers, port, environment }) {
    const args = [
      ...['--interface', 'wsgi'],
      ...['--http', '1'],
      '--no-ws',
      ...['--host', '127.0.0.1'],
      ...['--port', String(port)],
      ...['--workers', String(workers)],
      ...['--backlog', '2048'],
      ...['--working-dir', appsDirectory],
      ...['--log-level', 'warning'],
      target,
    ];
    const root = await startProgram(environment.python.script('granian'), args, {
      cwd: environment.scratchDirectory,
      accepts: { port },
    });
    return serverOfTree(root, port);
  },
};
