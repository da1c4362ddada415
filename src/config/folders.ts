/** Folders that have to be there: nothing here makes any. */
import { realpathSync, statSync } from 'node:fs';
import path from 'node:path';
import { toByteText } from '../gateway/byte-text.js';
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

/** The real paths of the folders that X-Sendfile may send from, byte text. @throws ConfigError */
export function resolveSendfileRoots(
  roots: readonly string[],
  directory: string,
  context: Pick<ResolveContext, 'nameOf'>,
): readonly string[] {
  return roots.map((root) => {
    try {
      const real = realpathSync(path.resolve(directory, root));
      if (statSync(real).isDirectory()) return toByteText(real);
      throw new Error('it is no folder');
    } catch (error) {
      throw refuse(context.nameOf('sendfileRoot'), 'a folder', root, `: ${(error as Error).message}`);
    }
  });
}
