/** Everything that the contenders need of the machine: installed if missing, or reported as missing. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findProgram, installDebianPackages } from './programs.js';
import { preparePython, type PythonEnvironment } from './python.js';
import { prepareUwsgi, type UwsgiEditions } from './uwsgi-build.js';

export interface Environment {
  readonly python: PythonEnvironment;
  readonly uwsgi: UwsgiEditions;
  readonly nginx: string | undefined;
  readonly wrk: string | undefined;
  /** Sockets, configuration and spooled bodies of the servers; removed at the end. */
  readonly scratchDirectory: string;
}

export interface EnvironmentOptions {
  /** Where the virtual environment is, or is to be made. */
  readonly venvDirectory: string;
  /** The interpreter to make it from. */
  readonly interpreter: string;
}

export function prepareEnvironment(options: EnvironmentOptions): Environment {
  installDebianPackages({
    wrk: 'wrk',
    nginx: 'nginx-light',
    gunicorn: 'gunicorn',
  });
  const python = preparePython(options);
  return {
    python,
    uwsgi: prepareUwsgi(python),
    nginx: findProgram('nginx'),
    wrk: findProgram('wrk'),
    scratchDirectory: scratchDirectory(),
  };
}

function scratchDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'xgi-bench-'));
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
