/** Folders that have to be there: nothing here makes any. */
import { statSync } from 'node:fs';
import path from 'node:path';
import { refuse } from './refuse.js';
import type { ResolveContext } from './resolve.js';
import type { UserConfig } from './schema.js';

/** That of a file which will be made. @throws ConfigError */
export function checkFolder(
  key: keyof UserConfig,
  absolute: string,
  written: string,
  context: ResolveContext,
): void {
  const folder = path.dirname(absolute);
  if (isDirectory(folder)) return;
  throw refuse(
    context.nameOf(key),
    'a file in a folder that exists',
    written,
    `: there is no folder ${JSON.stringify(folder)}`,
  );
}

export function isDirectory(file: string): boolean {
  // Not throwIfNoEntry alone: below a file (ENOTDIR) or a folder that may not be read there is none either.
  try {
    return statSync(file).isDirectory();
  } catch {
    return false;
  }
}
