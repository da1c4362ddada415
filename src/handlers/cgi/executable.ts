/** Whether a file can be executed, and where a command is. Paths are byte text. */
import { statSync, type Stats } from 'node:fs';
import { bytesOf } from '../../gateway/byte-text.js';

/** True if anybody may execute it. Whether the user may whom programs run as, perhaps another one than ours, is known when it is tried. */
export function isExecutable(stats: Stats): boolean {
  return (stats.mode & 0o111) !== 0;
}

/** True for a regular file that can be executed, also by a symbolic link. */
export function isProgram(file: string): boolean {
  try {
    const stats = statSync(bytesOf(file), { throwIfNoEntry: false });
    return stats !== undefined && stats.isFile() && isExecutable(stats);
  } catch {
    return false;
  }
}

/**
 * The first program of that name, as `env` finds it.
 *
 * @param searchPath folders with `:` between; those that are not absolute are passed over, as they depend on where a program is started
 */
export function findCommand(name: string, searchPath: string): string | undefined {
  for (const folder of searchPath.split(':')) {
    if (!folder.startsWith('/')) continue;
    const file = `${folder.replace(/\/+$/, '')}/${name}`;
    if (isProgram(file)) return file;
  }
  return undefined;
}
