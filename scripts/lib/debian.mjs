/** Debian's packages, where this is root on a machine that has them. */
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { capture, lastLine, which } from './run.mjs';

const SERVICE_POLICY = '/usr/sbin/policy-rc.d';

/** Installs what is missing of these; none of them starts a service. The problem, or undefined if all are there. */
export function installDebianPackages(packages) {
  if (!which('apt-get')) return 'no apt-get on this machine';
  if (process.getuid?.() !== 0) return `not root; run: sudo apt-get install ${packages.join(' ')}`;
  console.error(`Installing Debian packages: ${packages.join(' ')}`);
  return withoutServices(() => aptGetInstall(packages));
}

/** The problem, or undefined. */
function aptGetInstall(packages) {
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  const install = ['install', '--yes', '--no-install-recommends', ...packages];
  if (capture('apt-get', install, env).status === 0) return undefined;
  // The usual cause on a fresh machine is an empty package list.
  capture('apt-get', ['update'], env);
  const { status, output } = capture('apt-get', install, env);
  return status === 0 ? undefined : lastLine(output);
}

/** nginx is wanted for its program: with that policy no package starts its service (invoke-rc.d(8)). One that is there already is left alone. */
function withoutServices(install) {
  if (existsSync(SERVICE_POLICY)) return install();
  writeFileSync(SERVICE_POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    return install();
  } finally {
    rmSync(SERVICE_POLICY);
  }
}
