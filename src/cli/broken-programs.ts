/** What in a folder of CGI programs looks like a program, and could not be run. */
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import type { CgiConfig } from '../config/cgi.js';
import { PROGRAM_PATH } from '../config/cgi.js';
import { bytesOf } from '../gateway/byte-text.js';
import { inspectProgram } from '../handlers/cgi/program.js';
import { listEntries } from './folder-entries.js';

/** A sentence for each, with its code. */
export function findBrokenPrograms({ site, interpreters, warm, env }: CgiConfig): string[] {
  const options = { interpreters, warm, searchPath: env['PATH'] ?? PROGRAM_PATH };
  const files =
    site.kind === 'program'
      ? [site.path]
      : listEntries(site.path)
          .filter(({ kind }) => kind !== 'folder')
          .map((entry) => entry.path);
  return files.flatMap((file) => {
    const stats = statSync(bytesOf(file), { throwIfNoEntry: false });
    if (stats?.isFile() !== true || !looksLikeProgram(file, stats.mode, interpreters)) return [];
    try {
      inspectProgram(file, stats, options);
      return [];
    } catch (error) {
      const { code = 'XGI_INTERNAL', message } = error as Error & { code?: string };
      return [`${code}: ${message}`];
    }
  });
}

function looksLikeProgram(file: string, mode: number, interpreters: ReadonlyMap<string, string>): boolean {
  if ((mode & 0o111) !== 0) return true;
  if ([...interpreters.keys()].some((ending) => file.endsWith(ending))) return true;
  if (/\.(?:cgi|pl)$/.test(file)) return true;
  return beginsWithShebang(file);
}

function beginsWithShebang(file: string): boolean {
  try {
    const fd = openSync(bytesOf(file), 'r');
    const head = Buffer.alloc(2);
    try {
      readSync(fd, head, 0, 2, 0);
    } finally {
      closeSync(fd);
    }
    return head.toString('latin1') === '#!';
  } catch {
    return false;
  }
}
