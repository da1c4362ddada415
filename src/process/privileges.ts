/**
 * Who the application runs as: looks up what was asked for, takes it on, and makes sure that there is no way back.
 *
 * A gateway that is started as root binds its sockets, then gives root up for good, with its own threads and everything
 * that it starts from then on. Nothing here keeps root for later; what needs it has to be done before.
 */
import { accessSync, constants, lchownSync, lstatSync, readlinkSync, realpathSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { ConfigError } from '../errors.js';
import { formatReceived } from '../errors/received.js';
import type { Need } from '../types.js';
import { type Accounts, parseId, systemAccounts } from './accounts.js';
import { isContainer, isRootAlone, type Surroundings } from './container.js';

/** As a person asks for it; null for what the process has already. */
export interface WantedPrivileges {
  /** A name or a number. */
  readonly user: string | null;
  /** A name or a number. */
  readonly group: string | null;
  readonly umask: number | null;
}

/** What {@link dropPrivileges} is to change; null for what stays. Plain data: it can be sent to another process. */
export interface Privileges {
  readonly uid: number | null;
  readonly gid: number | null;
  /** The account whose supplementary groups are taken on. If null and `gid` is not, there are none but that one. */
  readonly groupsOf: string | null;
  readonly umask: number | null;
  /** HOME, USER and LOGNAME of the user that was named, for the environment of what runs as that user; {} if none was. */
  readonly env: Readonly<Record<string, string>>;
}

type Option = 'user' | 'group' | 'allowRoot';

export interface PrivilegesContext {
  /** How a message names an option: `--user`. */
  nameOf(option: Option): string;
  /** Those of the system if not given. */
  readonly accounts?: Accounts;
  /** The effective ids of this process if not given. */
  readonly identity?: Identity;
}

export interface Identity {
  readonly uid: number;
  readonly gid: number;
}

export interface RootCheck {
  /** For the message. */
  readonly subject: 'the application' | 'the applications' | 'CGI programs' | 'xgi';
  readonly privileges: Privileges;
  readonly allowRoot: boolean;
  nameOf(option: Option): string;
  /** The effective user id of this process if not given. */
  readonly uid?: number;
  /** Those of this process if not given. */
  readonly surroundings?: Surroundings;
}

/** Absolute paths. */
export interface Reach {
  /** Where the application runs. */
  readonly directory: string;
  readonly python?: string;
  /** The Python side of xgi. */
  readonly program?: string;
}

const ROOT = 0;

/**
 * Looks the names up; changes nothing. A number need not belong to an account, but then says nothing about a group.
 *
 * @throws ConfigError `XGI_CONFIG_VALUE` for a user or a group that is not known, or a user number without a group;
 *   `XGI_PRIVILEGES` if this process is not root and is not what was asked for already
 */
export function resolvePrivileges(wanted: WantedPrivileges, context: PrivilegesContext): Privileges {
  const { accounts = systemAccounts(), identity = ownIdentity() } = context;
  const user = wanted.user === null ? undefined : findUser(wanted.user, accounts, context);
  const gid = wanted.group === null ? user?.gid : findGroup(wanted.group, accounts, context);
  // Also for a process that is that user already: a successor (USR2) has HOME still of who started the first one.
  const env = user === undefined ? {} : environmentOf(user);
  if (identity.uid !== ROOT) {
    refuseChange('user', wanted.user, user?.uid, identity.uid, context);
    refuseChange('group', wanted.group, wanted.group === null ? undefined : gid, identity.gid, context);
    return { uid: null, gid: null, groupsOf: null, umask: wanted.umask, env };
  }
  if (user !== undefined && gid === undefined) {
    throw new ConfigError(
      'XGI_CONFIG_VALUE',
      `${context.nameOf('group')}: expected a group, as user ${user.uid} has no account that names one; received nothing`,
    );
  }
  return {
    uid: user?.uid ?? null,
    gid: gid ?? null,
    groupsOf: user?.name ?? null,
    umask: wanted.umask,
    env,
  };
}

/**
 * Takes the privileges on, in all threads, for good. Call it once, when everything that needs root is done; there is no
 * use in going on after an error, as half of it may be done.
 *
 * @throws ConfigError `XGI_PRIVILEGES` if the system refuses, or if root could be had back afterwards
 */
export function dropPrivileges({ uid, gid, groupsOf, umask }: Privileges): void {
  if (umask !== null) process.umask(umask);
  // The groups first: whoever has given root up may not change them.
  if (gid !== null) {
    attempt(() => (groupsOf === null ? process.setgroups!([gid]) : initGroups(groupsOf, gid)));
    attempt(() => process.setgid!(gid));
  }
  if (uid === null) return;
  // Of root, setuid(2) sets the real, the effective and the saved id.
  attempt(() => process.setuid!(uid));
  if (uid !== ROOT) makeSure(uid, gid);
}

/**
 * Whether the application, or CGI programs, may run as who they would run as.
 *
 * Root is refused unless it is asked for, or is the only user of a container: there it has little that is not
 * theirs anyway, and there is nobody else.
 *
 * @returns a sentence for the log if root is allowed without having been asked for
 * @throws ConfigError `XGI_ROOT`
 */
export function checkRoot(check: RootCheck): string | undefined {
  const { subject, privileges, allowRoot, nameOf, uid = ownIdentity().uid } = check;
  const { surroundings = { root: '/', env: process.env } } = check;
  if ((privileges.uid ?? uid) !== ROOT || allowRoot) return undefined;
  if (isContainer(surroundings) && isRootAlone(surroundings))
    return `running as root, the only user of this container; add one and name it with ${nameOf('user')}`;
  throw new ConfigError(
    'XGI_ROOT',
    `${subject} would run as root: name another user with ${nameOf('user')} NAME, which is taken on once the sockets are bound; or allow it with ${nameOf('allowRoot')}`,
  );
}

/**
 * Opens a file that is used after root has been given up, as the user who is to use it; or as root if that user may not and only root can
 * change the file's folder. In a folder of the user, a name may stand for any file of root's.
 *
 * @param open opens it before it returns
 */
export function openFor<T>(privileges: Privileges, file: string, open: () => T): T {
  const { uid, gid } = privileges;
  if (uid === null || gid === null || uid === ROOT) return open();
  if (!isRootsOwn(dirname(file))) return asUser(uid, gid, open);
  const opened = open();
  giveFile(file, privileges);
  return opened;
}

/** Nobody but root can change what the path of this folder means, or what is in it. Of shared folders (sticky), only those above it may be. */
export function isRootsOwn(folder: string): boolean {
  for (let at = resolve(folder); ; at = dirname(at)) {
    const stats = lstatSync(at, { throwIfNoEntry: false });
    if (stats === undefined || stats.uid !== ROOT) return false;
    if (stats.isSymbolicLink()) {
      // Where all links lead to, and each link on the way there.
      if (!isRootsOwn(realpathSync(at)) || !isRootsOwn(linkedFrom(at))) return false;
    } else {
      const isShared = (stats.mode & 0o1000) !== 0 && at !== resolve(folder);
      if (!stats.isDirectory() || ((stats.mode & 0o022) !== 0 && !isShared)) return false;
    }
    if (at === dirname(at)) return true;
  }
}

/** What a symbolic link says, as an absolute path. */
export function linkedFrom(link: string): string {
  return resolve(realpathSync(dirname(link)), readlinkSync(link));
}

function asUser<T>(uid: number, gid: number, act: () => T): T {
  const [groups, ownGid] = [process.getgroups!(), process.getegid!()];
  process.setgroups!([gid]);
  process.setegid!(gid);
  process.seteuid!(uid);
  try {
    return act();
  } finally {
    process.seteuid!(ROOT);
    process.setegid!(ownGid);
    process.setgroups!(groups);
  }
}

/**
 * Gives a file or a socket that root has made to the user that is to use it: a log that is opened again later, say.
 *
 * Only what root owns, and only regular files and sockets: never `/dev/null`, and never what a symbolic link points to.
 *
 * @throws the error of the system, an ENOENT for example
 */
export function giveFile(file: string, { uid, gid }: Privileges): void {
  if (uid === null || gid === null) return;
  const stats = lstatSync(file);
  if (!stats.isFile() && !stats.isSocket()) return;
  const [newUid, newGid] = [stats.uid === ROOT ? uid : stats.uid, stats.gid === ROOT ? gid : stats.gid];
  if (newUid !== stats.uid || newGid !== stats.gid) lchownSync(file, newUid, newGid);
}

/**
 * Whether the user that was taken on reaches what its programs need. Found out here, it is one sentence; a program that
 * cannot be started for it says EACCES and not of what. Call it after {@link dropPrivileges}.
 *
 * @throws ConfigError `XGI_PRIVILEGES`
 */
export function checkReach(privileges: Privileges, reach: Reach): void {
  if (privileges.uid === null) return;
  // For a successor, or further gateways.
  for (const [what, file, mode] of [...needsOf(reach), ['run', process.execPath, constants.X_OK] as Need]) {
    try {
      accessSync(file, mode);
    } catch (error) {
      throw outOfReach(privileges, `${what} ${file}`, (error as NodeJS.ErrnoException).code!);
    }
  }
}

/** What a user has to be able to do whose programs are to reach that. */
export function needsOf({ directory, python, program }: Reach): Need[] {
  const needs: Need[] = [
    ['enter the folder', directory, constants.X_OK],
    ['read the folder', directory, constants.R_OK],
  ];
  if (python !== undefined) needs.push(['run the interpreter', python, constants.X_OK]);
  if (program !== undefined) needs.push(["read xgi's own", program, constants.R_OK]);
  return needs;
}

/** @param what as a need says it, with its file @param code of the system */
export function outOfReach({ env, uid }: Privileges, what: string, code: string): ConfigError {
  return new ConfigError(
    'XGI_PRIVILEGES',
    `user ${env['USER'] ?? uid} cannot ${what} (${code}): it, and every folder above it, has to be open to that user`,
  );
}

interface FoundUser {
  readonly uid: number;
  /** undefined if the number has no account. */
  readonly name: string | undefined;
  readonly gid: number | undefined;
  readonly home: string | undefined;
}

function findUser(text: string, accounts: Accounts, { nameOf }: PrivilegesContext): FoundUser {
  const account = accounts.user(text);
  if (account !== undefined) return account;
  const uid = parseId(text);
  if (uid !== undefined) return { uid, name: undefined, gid: undefined, home: undefined };
  throw unknown(nameOf('user'), 'the name or the number of a user of this machine', text);
}

function findGroup(text: string, accounts: Accounts, { nameOf }: PrivilegesContext): number {
  // A number is taken as it is, whether or not it has an entry.
  const gid = parseId(text) ?? accounts.group(text)?.gid;
  if (gid !== undefined) return gid;
  throw unknown(nameOf('group'), 'the name or the number of a group of this machine', text);
}

function unknown(name: string, expected: string, received: string): ConfigError {
  return new ConfigError(
    'XGI_CONFIG_VALUE',
    `${name}: expected ${expected}, received ${formatReceived(received)}`,
  );
}

function refuseChange(
  option: 'user' | 'group',
  text: string | null,
  id: number | undefined,
  own: number,
  { nameOf }: PrivilegesContext,
): void {
  if (text === null || id === own) return;
  throw new ConfigError(
    'XGI_PRIVILEGES',
    `${nameOf(option)} ${text}: only root can change its ${option}, and this process has the ${option} number ${own}; start xgi as root, or as that ${option} and without ${nameOf(option)}`,
  );
}

/** As login(1) sets them; the working directory and the shell have no meaning here. */
function environmentOf({ uid, name = String(uid), home }: FoundUser): Record<string, string> {
  // '/' as for a login without a home: root's own, which would stay otherwise, can be neither read nor written.
  return { HOME: home || '/', USER: name, LOGNAME: name };
}

function ownIdentity(): Identity {
  return { uid: process.geteuid!(), gid: process.getegid!() };
}

/** The types of Node do not have it. */
function initGroups(user: string, gid: number): void {
  (process as unknown as { initgroups(user: string, gid: number): void }).initgroups(user, gid);
}

function attempt(change: () => void): void {
  try {
    change();
  } catch (error) {
    throw new ConfigError(
      'XGI_PRIVILEGES',
      `cannot change user and group: ${(error as Error).message}; a container needs the capabilities SETUID and SETGID for that, or can be started as that user`,
    );
  }
}

/** Trusts no return value: a kernel that keeps capabilities over setuid(2) (capabilities(7), "securebits") says 0 too. */
function makeSure(uid: number, gid: number | null): void {
  const ids = [process.getuid!(), process.geteuid!()];
  const isTaken = ids.every((id) => id === uid);
  const isGroupTaken = gid === null || [process.getgid!(), process.getegid!()].every((id) => id === gid);
  if (isTaken && isGroupTaken && !canReturn(gid)) return;
  throw new ConfigError(
    'XGI_PRIVILEGES',
    `root was given up but could be had back (user ${ids.join(', ')}): this system keeps capabilities; start xgi as the user that it is to run as`,
  );
}

function canReturn(gid: number | null): boolean {
  const ways = [() => process.seteuid!(ROOT), () => process.setuid!(ROOT)];
  if (gid !== null && gid !== ROOT)
    ways.push(
      () => process.setegid!(ROOT),
      () => process.setgid!(ROOT),
    );
  return ways.some((way) => {
    try {
      way();
      return true;
    } catch {
      return false;
    }
  });
}
