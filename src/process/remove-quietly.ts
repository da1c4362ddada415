/** Removal of our own temporary files, in folders that the application's user can write as well. */
import { rmdirSync, rmSync, unlinkSync } from 'node:fs';

/**
 * Removes a file, or a folder with all that is in it. Never throws: whatever an application has put in its place, or a file system that
 * fails, is no reason to end the gateway. What stays is removed by a later start (workers/stale-folders.ts).
 */
export function removeQuietly(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch {
    // It stays.
  }
}

/** Removes what has this name, and nothing below it: a file, a link, a folder that is empty. Never throws. */
export function removeName(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    try {
      rmdirSync(path);
    } catch {
      // It stays.
    }
  }
}
