/** One virtual environment with the applications' packages and the contenders that are Python packages. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { benchDirectory } from './directories.js';
import type { EnvironmentOptions } from './environment.js';
import { firstLineOf, installDebianPackages, runs } from './programs.js';

export interface PythonEnvironment {
  readonly directory: string;
  readonly interpreter: string;
  readonly version: string;
  readonly sitePackages: string;
  /** The path of a command that a package installs, whether it exists or not. */
  script(name: string): string;
}

/**
 * Makes the environment if it is missing and installs the pinned packages if they have changed.
 *
 * @throws when there is no environment and none can be made.
 */
export function preparePython({ venvDirectory, interpreter }: EnvironmentOptions): PythonEnvironment {
  const directory = resolve(venvDirectory);
  const own = join(directory, 'bin/python');
  if (!existsSync(own)) makeEnvironment(directory, interpreter);
  installRequirements(directory, 'requirements.txt');
  return {
    directory,
    interpreter: own,
    version: firstLineOf(own, ['--version']),
    sitePackages: firstLineOf(own, ['-c', 'import sysconfig; print(sysconfig.get_path("purelib"))']),
    script: (name) => join(directory, 'bin', name),
  };
}

/**
 * Runs pip for a file of requirements unless it has been run for this very file; a failure is remembered too,
 * since a build that failed once takes long to fail again.
 *
 * @returns true if they are installed.
 */
export function installRequirements(directory: string, fileName: string): boolean {
  const file = join(benchDirectory, fileName);
  const stamp = join(directory, `.bench-${fileName}`);
  const digest = createHash('sha256').update(readFileSync(file)).digest('hex');
  const [stampedDigest, outcome] = existsSync(stamp) ? readFileSync(stamp, 'utf8').split(' ') : [];
  if (stampedDigest === digest) return outcome === 'installed';
  process.stderr.write(`installing bench/${fileName} with pip\n`);
  const installed = runs(join(directory, 'bin/python'), [
    ...['-m', 'pip', '--disable-pip-version-check', 'install', '--quiet'],
    ...['-r', file],
  ]);
  writeFileSync(stamp, `${digest} ${installed ? 'installed' : 'failed'}`);
  return installed;
}

function makeEnvironment(directory: string, interpreter: string): void {
  if (runs(interpreter, ['-m', 'venv', directory])) return;
  installDebianPackages({ 'python3-venv': 'python3-venv' });
  if (runs(interpreter, ['-m', 'venv', directory])) return;
  throw new Error(`${interpreter} -m venv ${directory} failed; install python3-venv`);
}
