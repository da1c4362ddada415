/** waitress: one process, so that threads stand in for the workers of the others. */
import { existsSync } from 'node:fs';
import { appsDirectory } from '../environment/directories.js';
import { firstLineOf } from '../environment/programs.js';
import { serverOfTree, startProgram, type Contender } from './contender.js';

const THREADS = 4;

export const waitress: Contender = {
  name: 'waitress',
  version: ({ python }) =>
    `waitress ${firstLineOf(python.interpreter, [
      '-c',
      "from importlib.metadata import version; print(version('waitress'))",
    ])}`,
  settings: () => `1 process of ${THREADS} threads (it has no workers), poll, room for every connection`,
  missing: ({ python }) =>
    existsSync(python.script('waitress-serve')) ? undefined : 'pip could not install waitress',
  async start({ target, port, keepAliveSeconds, environment }) {
    const args = [
      `--listen=127.0.0.1:${port}`,
      `--threads=${THREADS}`,
      '--backlog=2048',
      '--connection-limit=12000',
      `--channel-timeout=${keepAliveSeconds}`,
      `--max-request-body-size=${2 ** 31}`,
      '--asyncore-use-poll',
      target,
    ];
    const root = await startProgram(environment.python.script('waitress-serve'), args, {
      cwd: appsDirectory,
      accepts: { port },
    });
    return serverOfTree(root, port);
  },
};
