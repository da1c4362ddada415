/** Whether `--reload` watches a file yet: what changes before that is missed. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { pollUntil } from './poll.js';

/** chokidar has a watch of inotify for each file. @param pid who watches */
export async function untilWatched(pid: number | undefined, file: string): Promise<void> {
  await pollUntil(() => watchedInodes(pid).has(inodeOf(file)), {
    what: `a watch of ${file}`,
    deadlineMs: 20_000,
  });
}

export function inodeOf(file: string): string {
  return statSync(file).ino.toString(16);
}

/** In hexadecimal. */
export function watchedInodes(pid: number | undefined): Set<string> {
  const folder = `/proc/${pid}/fdinfo`;
  const lines = readdirSync(folder).flatMap((fd) => {
    try {
      return readFileSync(`${folder}/${fd}`, 'latin1').split('\n');
    } catch {
      // Closed since.
      return [];
    }
  });
  return new Set(lines.flatMap((line) => /^inotify .*\bino:([0-9a-f]+) /.exec(line)?.[1] ?? []));
}
