/** Debian's packages, where this is root on a machine that has them. */
import { capture, lastLine, which } from './run.mjs';

/** Installs what is missing of these. The problem, or undefined if all are there. */
export function installDebianPackages(packages) {
  if (!which('apt-get')) return 'no apt-get on this machine';
  if (process.getuid?.() !== 0) return `not root; run: sudo apt-get install ${packages.join(' ')}`;
  console.error(`Installing Debian packages: ${packages.join(' ')}`);
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  const install = ['install', '--yes', '--no-install-recommends', ...packages];
  if (capture('apt-get', install, env).status === 0) return undefined;
  // The usual cause on a fresh machine is an empty package list.
  capture('apt-get', ['update'], env);
  const { status, output } = capture('apt-get', install, env);
  return status === 0 ? undefined : lastLine(output);
}
