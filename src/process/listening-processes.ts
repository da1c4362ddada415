/** Which processes listen on an address, as Linux tells in /proc: proc_pid_fd(5), proc_pid_net(5). */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

export interface ListeningProcess {
  readonly pid: number;
  /** The name of its program, as ps(1) shows it: at most 15 characters, any but NUL. */
  readonly name: string;
}

/** The state of a TCP socket that listens: TCP_LISTEN of the kernel. */
const LISTEN = '0A';

/** @returns those that this user may look into, on whatever address of this machine; none where there is no /proc */
export function processesOnPort(port: number): ListeningProcess[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const inodes = ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((table) =>
    readTable(table)
      .filter(([, local, , state]) => local?.endsWith(suffix) === true && state === LISTEN)
      .map((columns) => columns[9]),
  );
  return processesWith(new Set(inodes));
}

/** @param path of a Unix-domain socket, as it was bound, or given */
export function processesOnPath(path: string): ListeningProcess[] {
  const inodes = readTable('/proc/net/unix')
    .filter((columns) => columns[7] === path)
    .map((columns) => columns[6]);
  return processesWith(new Set(inodes));
}

function readTable(file: string): string[][] {
  return readOr(file, '')
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/));
}

function processesWith(inodes: ReadonlySet<string | undefined>): ListeningProcess[] {
  if (inodes.size === 0) return [];
  return listOr('/proc', [])
    .filter((name) => /^[0-9]+$/.test(name))
    .filter((pid) => listOr(`/proc/${pid}/fd`, []).some((fd) => inodes.has(inodeOf(`/proc/${pid}/fd/${fd}`))))
    .map((pid) => ({ pid: Number(pid), name: readOr(`/proc/${pid}/comm`, '').trimEnd() }));
}

/** `socket:[4711]` → `4711` */
function inodeOf(link: string): string {
  try {
    return /^socket:\[([0-9]+)\]$/.exec(readlinkSync(link))?.[1] ?? '-';
  } catch {
    // Closed meanwhile.
    return '-';
  }
}

function readOr(file: string, otherwise: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return otherwise;
  }
}

function listOr(folder: string, otherwise: string[]): string[] {
  try {
    return readdirSync(folder);
  } catch {
    // Of another user, or it has ended.
    return otherwise;
  }
}
