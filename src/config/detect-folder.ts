/** Reading a folder that may be anybody's: what is in it, and whether that may be served. */
import { readFileSync, realpathSync, statSync } from 'node:fs';
import path from 'node:path';
import { isInside } from '../routing/path-resolver.js';

/** Of a file that is only searched for a few words. */
const MAX_TEXT_BYTES = 1_048_576;

/** False for a link that leads nowhere, or that nobody may follow. */
export function isFile(file: string): boolean {
  return statsOf(file)?.isFile() ?? false;
}

export function isFolder(file: string): boolean {
  return statsOf(file)?.isDirectory() ?? false;
}

/** undefined if it is none, or too large to be what is looked for. */
export function readText(file: string): string | undefined {
  try {
    const stats = statSync(file);
    return stats.isFile() && stats.size <= MAX_TEXT_BYTES ? readFileSync(file, 'utf8') : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a folder lies below another one, also when all links are followed. */
export function liesBelow(folder: string, parent: string): boolean {
  const [inner, outer] = [realpathSync(folder), realpathSync(parent)];
  return inner !== outer && isInside(outer, inner);
}

/** Whether serving the folder would serve the project, with its sources, too. */
export function holdsProject(folder: string, project: string): boolean {
  return isInside(realpathSync(folder), realpathSync(project));
}

/** How a target in it is written: `./public`; absolute if it lies elsewhere. */
export function writtenFrom(project: string, file: string): string {
  const relative = path.relative(project, file);
  return relative.startsWith('..') ? file : `./${relative}`;
}

function statsOf(file: string): ReturnType<typeof statSync> {
  try {
    return statSync(file);
  } catch {
    return undefined;
  }
}
