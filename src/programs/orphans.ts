/**
 * Programs that have lost their launcher: it may have died before it could tell who they are, or after it had waited for them, while something
 * that they have started holds their output. They are known by UNIQUE_ID, which a program and all that it starts have in their environment.
 *
 * Linux only: elsewhere none is found. A warm program is ended by the interpreter that it was forked from.
 */
import { readdirSync, readFileSync } from 'node:fs';

export interface Orphan {
  /** UNIQUE_ID; undefined if it has none. */
  readonly requestId: string | undefined;
  /** Of the program, and so of its process group; undefined if nobody has told. */
  readonly pid: number | undefined;
}

/** What was just being started has its environment a moment later. */
const SECOND_LOOK_MS = 100;
/** A process may start another one while we look. */
const MAX_PASSES = 5;

/** Kills them at once. Of a program whose process id is known only what is in its group: the rest has left it on purpose. */
export function killOrphans(orphans: readonly Orphan[]): void {
  const groups = new Map<string, number | undefined>();
  for (const { requestId, pid } of orphans) if (requestId !== undefined) groups.set(requestId, pid);
  if (groups.size === 0) return;
  killAll(groups);
  setTimeout(() => killAll(groups), SECOND_LOOK_MS).unref();
}

/** @param environ as of an order: name NUL value NUL … */
export function requestIdIn(environ: string): string | undefined {
  // By name: a client may send the same word as a value.
  const parts = environ.split('\0');
  const at = parts.findIndex((part, i) => i % 2 === 0 && part === 'UNIQUE_ID');
  return at === -1 ? undefined : parts[at + 1];
}

function killAll(groups: ReadonlyMap<string, number | undefined>): void {
  for (let pass = 0; pass < MAX_PASSES && killOnce(groups); pass++);
}

/** @returns whether there were any */
function killOnce(groups: ReadonlyMap<string, number | undefined>): boolean {
  let found = false;
  for (const name of processNames()) {
    if (!isOrphan(name, groups)) continue;
    try {
      process.kill(Number(name), 'SIGKILL');
      found = true;
    } catch {
      // It has ended meanwhile.
    }
  }
  return found;
}

function processNames(): string[] {
  try {
    return readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name));
  } catch {
    return [];
  }
}

function isOrphan(name: string, groups: ReadonlyMap<string, number | undefined>): boolean {
  try {
    const environ = readFileSync(`/proc/${name}/environ`, 'latin1');
    const id = /(?:^|\0)UNIQUE_ID=([^\0]+)/.exec(environ)?.[1];
    if (id === undefined || !groups.has(id)) return false;
    const group = groups.get(id);
    return group === undefined || group === groupOf(name);
  } catch {
    // It has ended, or belongs to another user.
    return false;
  }
}

function groupOf(name: string): number {
  const stat = readFileSync(`/proc/${name}/stat`, 'latin1');
  // pid (name) state parent group …; the name may hold any character.
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2]);
}
