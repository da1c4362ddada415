/**
 * What the kernel says about a server's processes: who belongs to it, CPU time and memory. Linux only.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';

export interface ProcessEntry {
  readonly pid: number;
  readonly parentPid: number;
  readonly groupPid: number;
  /** Own CPU time and that of the children it has waited for, in clock ticks. */
  readonly cpuTicks: number;
  /** Tells a process from a later one with the same pid. */
  readonly startTicks: number;
}

/** USER_HZ, which the kernel fixes at 100 for user space on every architecture that Node supports. */
const TICKS_PER_SECOND = 100;
const MICROSECONDS_PER_TICK = 1_000_000 / TICKS_PER_SECOND;

/**
 * The given processes, all their descendants, and the members of the groups that they lead (which are found
 * by that even when their parent has died), as far as they exist now.
 */
export function processTree(rootPids: readonly number[]): ProcessEntry[] {
  const everything = readProcessTable();
  const members = new Set(rootPids);
  let size = 0;
  while (size !== members.size) {
    size = members.size;
    for (const entry of everything) {
      if (members.has(entry.parentPid) || members.has(entry.groupPid)) members.add(entry.pid);
    }
  }
  return everything.filter((entry) => members.has(entry.pid));
}

/**
 * CPU time of the tree so far, in microseconds: utime, stime, cutime and cstime of each member, so that the
 * time of children that have come and gone in between two calls is in the difference: if they were waited for.
 */
export function cpuMicroseconds(rootPids: readonly number[]): number {
  return processTree(rootPids).reduce((sum, entry) => sum + entry.cpuTicks * MICROSECONDS_PER_TICK, 0);
}

/** True while that very process exists. */
export function isAlive(entry: ProcessEntry): boolean {
  return readProcessEntry(entry.pid)?.startTicks === entry.startTicks;
}

/** Resident set size in bytes, the sum over the processes; pages shared by two count twice. */
export function residentBytes(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + kibibytesOf(`/proc/${pid}/status`, 'VmRSS') * 1024, 0);
}

/** Proportional set size in bytes, the sum over the processes: a page shared by two counts half for each. */
export function proportionalBytes(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + kibibytesOf(`/proc/${pid}/smaps_rollup`, 'Pss') * 1024, 0);
}

/** 0 if the process is gone. */
export function parentPid(pid: number): number {
  return readProcessEntry(pid)?.parentPid ?? 0;
}

/** The file name of the program that a process runs, '' if it is gone. */
export function programName(pid: number): string {
  try {
    return basename(readlinkSync(`/proc/${pid}/exe`));
  } catch {
    return '';
  }
}

function readProcessTable(): ProcessEntry[] {
  const entries: ProcessEntry[] = [];
  for (const name of readdirSync('/proc')) {
    const entry = /^\d+$/.test(name) ? readProcessEntry(Number(name)) : undefined;
    if (entry) entries.push(entry);
  }
  return entries;
}

/** The second field of `stat` is the program's name in brackets and may hold spaces and brackets itself. */
function readProcessEntry(pid: number): ProcessEntry | undefined {
  const stat = readText(`/proc/${pid}/stat`);
  if (stat === '') return undefined;
  const afterName = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const field = (number: number): number => Number(afterName[number - 3]);
  return {
    pid,
    parentPid: field(4),
    groupPid: field(5),
    cpuTicks: field(14) + field(15) + field(16) + field(17),
    startTicks: field(22),
  };
}

function kibibytesOf(path: string, key: string): number {
  const match = new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(readText(path));
  return match ? Number(match[1]) : 0;
}

/** A process may end between being listed and being read. */
function readText(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
