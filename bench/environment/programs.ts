/** Programs of the system: found, installed as Debian packages when that is possible, asked for their version. */
import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';

/** Where Debian puts servers is not on every user's PATH. */
const DIRECTORIES = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/sbin'];

/** The program's path, or undefined if there is none. */
export function findProgram(name: string): string | undefined {
  return DIRECTORIES.map((directory) => join(directory, name)).find(isExecutable);
}

/** Installs the package of each program that is missing. Does nothing unless root and on Debian. */
export function installDebianPackages(packageOf: Readonly<Record<string, string>>): void {
  const missing = Object.entries(packageOf).filter(([program]) => !findProgram(program));
  if (missing.length === 0 || process.getuid?.() !== 0 || !findProgram('apt-get')) return;
  const packages = missing.map(([, name]) => name);
  process.stderr.write(`installing ${packages.join(', ')}\n`);
  // A run level of 1 keeps the packages from starting their services.
  spawnSync('apt-get', ['install', '-y', '--no-install-recommends', ...packages], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' },
  });
}

/** Runs a command to its end; true if it succeeded. What it says goes to stderr. */
export function runs(program: string, args: readonly string[]): boolean {
  return spawnSync(program, args, { stdio: ['ignore', 2, 2] }).status === 0;
}

/** The first line that a command writes, to either stream; '' if it cannot be run. */
export function firstLineOf(program: string, args: readonly string[]): string {
  const { stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  return `${stdout ?? ''}${stderr ?? ''}`.trim().split('\n')[0] ?? '';
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
