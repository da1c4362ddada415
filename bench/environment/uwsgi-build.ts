/** uWSGI: built by pip against the interpreter of the others, and Debian's. */
import { existsSync } from 'node:fs';
import { findProgram, installDebianPackages } from './programs.js';
import { installRequirements, type PythonEnvironment } from './python.js';

export interface UwsgiCommand {
  readonly program: string;
  /** What has to come first. */
  readonly args: readonly string[];
  readonly origin: string;
}

export interface UwsgiEditions {
  readonly built: UwsgiCommand | undefined;
  readonly debian: UwsgiCommand | undefined;
}

const DEBIAN_PLUGIN = '/usr/lib/uwsgi/plugins/python3_plugin.so';

export function prepareUwsgi(python: PythonEnvironment): UwsgiEditions {
  return { built: buildWithPip(python), debian: installDebian() };
}

function buildWithPip(python: PythonEnvironment): UwsgiCommand | undefined {
  const program = python.script('uwsgi');
  const isBuilt = installRequirements(python.directory, 'requirements-uwsgi.txt') && existsSync(program);
  return isBuilt ? { program, args: [], origin: 'built by pip' } : undefined;
}

function installDebian(): UwsgiCommand | undefined {
  if (!existsSync(DEBIAN_PLUGIN)) {
    installDebianPackages({ 'uwsgi-core': 'uwsgi-core', 'uwsgi-plugin-python3': 'uwsgi-plugin-python3' });
  }
  const program = findProgram('uwsgi-core') ?? findProgram('uwsgi');
  if (!program || !existsSync(DEBIAN_PLUGIN)) return undefined;
  return { program, args: ['--plugin', 'python3'], origin: "Debian's" };
}
