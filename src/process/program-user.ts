/** Whom programs run as that root starts, while the gateway is somebody else. */
import { spawnSync } from 'node:child_process';
import { existsSync, lstatSync, realpathSync } from 'node:fs';
import { dirname } from 'node:path';
import { ConfigError } from '../errors.js';
import type { ProgramUser } from '../types.js';
import { parseId } from './accounts.js';
import { isRootsOwn, linkedFrom, type Privileges, resolvePrivileges } from './privileges.js';

export interface ProgramUserOptions {
  /** A name or a number. */
  readonly user: string;
  /** What the gateway is to be. */
  readonly gateway: Pick<Privileges, 'uid' | 'gid'>;
  /** The interpreter that starts the programs, and is root for that. */
  readonly python: string;
  readonly allowRoot: boolean;
  /** How a message names the option of the user. */
  readonly name: string;
}

/** @throws ConfigError `XGI_PRIVILEGES`, `XGI_CONFIG_VALUE`, `XGI_ROOT` */
export function programUser({ user, gateway, python, allowRoot, name }: ProgramUserOptions): ProgramUser {
  if (process.geteuid!() !== 0)
    throw refuse(
      `${name} ${user}: only root can run programs as another user; start xgi as root, with --user for itself`,
    );
  checkLauncher({ user, python, name });
  const { uid, gid, groupsOf } = resolvePrivileges(
    { user, group: null, umask: null },
    { nameOf: () => name },
  );
  if (uid === null || gid === null) throw refuse(`${name} ${user}: it names no user`);
  if (uid === 0 && !allowRoot)
    throw new ConfigError(
      'XGI_ROOT',
      `${name} ${user}: programs would run as root; name another user, or allow it with --allow-root`,
    );
  return {
    uid,
    gid,
    groups: groupsOf === null ? [gid] : groupIds(groupsOf, gid),
    bodyUid: gateway.uid ?? process.geteuid!(),
    bodyGid: gateway.gid ?? process.getegid!(),
  };
}

/**
 * To be called before the interpreter is run for the first time, be it to ask it for its version.
 *
 * @throws ConfigError `XGI_CONFIG_VALUE` if there is no such user, `XGI_PRIVILEGES` if root would run what others can change
 */
export function checkLauncher({
  user,
  python,
  name,
}: Pick<ProgramUserOptions, 'user' | 'python' | 'name'>): void {
  if (process.geteuid!() !== 0) return;
  resolvePrivileges({ user, group: null, umask: null }, { nameOf: () => name });
  if (isRootsFile(python)) return;
  throw refuse(
    `${name} ${user}: ${python} would be run as root, and others than root can change it; name another interpreter with --python, /usr/bin/python3 mostly`,
  );
}

/**
 * An interpreter that root can run for programs of ours. The application's own, if nobody else can change it; else one of the system.
 *
 * @throws ConfigError `XGI_PRIVILEGES` if there is none
 */
export function rootsPython({
  user,
  python,
  name,
}: Pick<ProgramUserOptions, 'user' | 'python' | 'name'>): string {
  const found = [python, ...SYSTEM_PYTHONS].find((file) => existsSync(file) && isRootsFile(file));
  if (found !== undefined) return found;
  throw refuse(
    `${name} ${user}: workers of another user are started by a Python that only root can change; neither ${python} nor ${SYSTEM_PYTHONS.join(' nor ')} is one`,
  );
}

const SYSTEM_PYTHONS = ['/usr/bin/python3', '/usr/local/bin/python3'];

/** Nobody but root can change what the path means: each link, and what it leads to. */
function isRootsFile(file: string): boolean {
  const real = realpathSync(file);
  const { uid, mode } = lstatSync(real);
  if (uid !== 0 || (mode & 0o022) !== 0 || !isRootsOwn(dirname(real))) return false;
  for (let at = file; ; at = linkedFrom(at)) {
    if (!isRootsOwn(dirname(at))) return false;
    if (!lstatSync(at).isSymbolicLink()) return true;
  }
}

/** All groups of an account. */
function groupIds(account: string, primary: number): number[] {
  const { status, stdout } = spawnSync('id', ['-G', '--', account], { encoding: 'utf8' });
  if (status !== 0) return [primary];
  return stdout
    .trim()
    .split(/\s+/)
    .map(parseId)
    .filter((id) => id !== undefined);
}

function refuse(message: string): ConfigError {
  return new ConfigError('XGI_PRIVILEGES', message);
}
