/** Everything that the CGI contenders need of the machine: installed if missing, or reported as missing. */
import { chmodSync, copyFileSync, mkdirSync, readdirSync } from 'node:fs';
import { join, parse } from 'node:path';
import { benchDirectory } from './directories.js';
import type { BaseEnvironment } from './environment.js';
import { findProgram, firstLineOf, installDebianPackages, runs } from './programs.js';
import { scratchDirectory } from './scratch.js';

export interface CgiEnvironment extends BaseEnvironment {
  readonly apache: string | undefined;
  readonly lighttpd: string | undefined;
  readonly git: string | undefined;
  /** The same programs for all servers, compiled where necessary. */
  readonly programsDirectory: string;
}

export function prepareCgiEnvironment(): CgiEnvironment {
  installDebianPackages({
    wrk: 'wrk',
    apache2: 'apache2-bin',
    lighttpd: 'lighttpd',
    cc: 'build-essential',
    git: 'git',
  });
  const scratch = scratchDirectory();
  // Apache runs programs as another user if it is started as root.
  chmodSync(scratch, 0o755);
  return {
    pythonVersion: firstLineOf('/usr/bin/python3', ['--version']),
    apache: findProgram('apache2'),
    lighttpd: findProgram('lighttpd'),
    git: findProgram('git'),
    wrk: findProgram('wrk'),
    programsDirectory: preparePrograms(join(scratch, 'cgi-bin')),
    scratchDirectory: scratch,
  };
}

/**
 * Makes the folder of programs: C sources are compiled to a program of their name without the suffix, the other files
 * are copied.
 */
export function preparePrograms(directory: string): string {
  const sources = join(benchDirectory, 'cgi');
  mkdirSync(directory);
  for (const file of readdirSync(sources)) {
    const { name, ext } = parse(file);
    if (ext === '.c') {
      runs('cc', ['-O2', '-o', join(directory, name), join(sources, file)]);
    } else {
      copyFileSync(join(sources, file), join(directory, file));
      chmodSync(join(directory, file), 0o755);
    }
  }
  return directory;
}
