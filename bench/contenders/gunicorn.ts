/** gunicorn, sync and gthread, in Debian's version and in the newest from PyPI. */
import { existsSync } from 'node:fs';
import { appsDirectory } from '../environment/directories.js';
import type { Environment } from '../environment/environment.js';
import { firstLineOf } from '../environment/programs.js';
import { serverOfTree, startProgram, type Contender } from './contender.js';

const GTHREAD_THREADS = 4;

interface Edition {
  readonly prefix: string;
  command(environment: Environment): { readonly program: string; readonly args: readonly string[] };
  missing(environment: Environment): string | undefined;
  /** Says so if its interpreter is another than that of the other contenders. */
  interpreterNote(environment: Environment): string;
}

const debian: Edition = {
  prefix: 'gunicorn',
  // The package is imported before --pythonpath takes effect, so it stays Debian's own although the folder
  // with the applications' packages holds a newer one.
  command: ({ python }) => ({
    program: '/usr/bin/gunicorn',
    args: ['--pythonpath', python.sitePackages],
  }),
  missing: () => (existsSync('/usr/bin/gunicorn') ? undefined : "Debian's package gunicorn is not installed"),
  interpreterNote: ({ python }) => {
    const own = firstLineOf('/usr/bin/python3', ['--version']);
    return own === python.version ? " (Debian's)" : ` (Debian's, on ${own})`;
  },
};

const newest: Edition = {
  prefix: 'gunicorn-new',
  command: ({ python }) => ({
    program: python.script('gunicorn'),
    args: ['--no-control-socket'],
  }),
  missing: ({ python }) =>
    existsSync(python.script('gunicorn')) ? undefined : 'pip could not install gunicorn',
  interpreterNote: () => ' (PyPI)',
};

export const gunicornSync = gunicornContender(debian, 'sync');
export const gunicornGthread = gunicornContender(debian, 'gthread');
export const gunicornNewSync = gunicornContender(newest, 'sync');
export const gunicornNewGthread = gunicornContender(newest, 'gthread');

function gunicornContender(edition: Edition, workerClass: 'sync' | 'gthread'): Contender {
  return {
    name: `${edition.prefix}-${workerClass}`,
    version: (environment) => {
      const own = firstLineOf(edition.command(environment).program, ['--version']);
      return `${own.replace(/[()]|version /g, '')}${edition.interpreterNote(environment)}`;
    },
    settings: (workers) =>
      workerClass === 'sync'
        ? `${workers} sync workers (no keep-alive: one connection for each request)`
        : `${workers} gthread workers of ${GTHREAD_THREADS} threads`,
    missing: (environment) => edition.missing(environment),
    async start({ target, workers, port, keepAliveSeconds, environment }) {
      const { program, args } = edition.command(environment);
      const all = [
        ...args,
        ...['--bind', `127.0.0.1:${port}`],
        ...['--workers', String(workers)],
        ...['--worker-class', workerClass],
        ...(workerClass === 'gthread' ? ['--threads', String(GTHREAD_THREADS)] : []),
        ...['--keep-alive', String(keepAliveSeconds)],
        ...['--chdir', appsDirectory],
        ...['--log-level', 'warning'],
        target,
      ];
      const root = await startProgram(program, all, {
        cwd: environment.scratchDirectory,
        accepts: { port },
      });
      return serverOfTree(root, port);
    },
  };
}
