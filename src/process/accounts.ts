/**
 * The accounts of this machine, by name or number: as getent(1) tells, which knows those of a directory (LDAP) or of
 * systemd too; where there is no getent, as /etc/passwd and /etc/group say.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';

export interface User {
  readonly name: string;
  readonly uid: number;
  /** The primary group. */
  readonly gid: number;
  readonly home: string;
}

export interface Group {
  readonly name: string;
  readonly gid: number;
}

/** Where accounts are looked up. */
export interface Accounts {
  user(nameOrNumber: string): User | undefined;
  group(nameOrNumber: string): Group | undefined;
}

type Database = 'passwd' | 'group';

/** uid_t is unsigned, and its largest value means "no change" to setuid(2). */
const LARGEST_ID = 4_294_967_294;

/** A directory on the network may be slow; one that does not answer in this time is as good as absent. */
const GETENT_TIMEOUT_MS = 20_000;

/** @param getent the program; null reads the files below `root` alone */
export function systemAccounts({ getent = 'getent' as string | null, root = '/' } = {}): Accounts {
  const find = (database: Database, key: string): string[] | undefined => {
    // Neither can be looked up; a leading dash would be an option of getent.
    if (!/^[^-:\s\0][^:\s\0]*$/.test(key)) return undefined;
    const line = getent === null ? undefined : ask(getent, database, key);
    return line === undefined ? search(path.join(root, 'etc', database), key) : fieldsOf(line);
  };
  return {
    user: (key) => readUser(find('passwd', key)),
    group: (key) => readGroup(find('group', key)),
  };
}

/** An id as a person writes it; undefined if the text is no number, or one that no account can have. */
export function parseId(text: string): number | undefined {
  if (!/^[0-9]{1,10}$/.test(text)) return undefined;
  const id = Number(text);
  return id <= LARGEST_ID ? id : undefined;
}

/** Every user of the file below `root`; none if it cannot be read. Knows nothing of directories. */
export function localUsers(root = '/'): User[] {
  return readLines(path.join(root, 'etc/passwd')).flatMap((line) => readUser(fieldsOf(line)) ?? []);
}

/** @returns '' if there is no such entry; undefined if getent could not tell */
function ask(getent: string, database: Database, key: string): string | undefined {
  const { status, stdout } = spawnSync(getent, [database, key], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout: GETENT_TIMEOUT_MS,
  });
  if (status === 0) return stdout.split('\n')[0] ?? '';
  // 2: "one or more supplied key could not be found in the database".
  return status === 2 ? '' : undefined;
}

/** As getent does: a key of digits is a number. */
function search(file: string, key: string): string[] | undefined {
  const column = parseId(key) === undefined ? 0 : 2;
  return readLines(file)
    .map(fieldsOf)
    .find((fields) => fields[column] === key);
}

function readLines(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n');
  } catch {
    return [];
  }
}

function fieldsOf(line: string): string[] {
  return line.split(':');
}

/** name:password:uid:gid:comment:home:shell, passwd(5). */
function readUser([name = '', , uidText = '', gidText = '', , home = '']: readonly string[] = []):
  | User
  | undefined {
  const [uid, gid] = [parseId(uidText), parseId(gidText)];
  return uid === undefined || gid === undefined ? undefined : { name, uid, gid, home };
}

/** name:password:gid:members, group(5). */
function readGroup([name = '', , gidText = '']: readonly string[] = []): Group | undefined {
  const gid = parseId(gidText);
  return gid === undefined ? undefined : { name, gid };
}
