/** Everything that the WSGI contenders need of the machine: installed if missing, or reported as missing. */
import { findProgram, installDebianPackages } from './programs.js';
import { preparePython, type PythonEnvironment } from './python.js';
import { scratchDirectory } from './scratch.js';
import { prepareUwsgi, type UwsgiEditions } from './uwsgi-build.js';

/** What every benchmark has. */
export interface BaseEnvironment {
  /** Of the interpreter that runs the measured programs, as it says it; undefined if there are none. */
  readonly pythonVersion?: string;
  readonly wrk: string | undefined;
  /** Sockets, configuration and spooled bodies of the servers; removed at the end. */
  readonly scratchDirectory: string;
}

export interface Environment extends BaseEnvironment {
  readonly python: PythonEnvironment;
  readonly uwsgi: UwsgiEditions;
  readonly nginx: string | undefined;
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
    pythonVersion: python.version,
    uwsgi: prepareUwsgi(python),
    nginx: findProgram('nginx'),
    wrk: findProgram('wrk'),
    scratchDirectory: scratchDirectory(),
  };
}
