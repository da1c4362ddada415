/** What is in a folder, as far as a client could ask for it: nothing hidden, and no links that lead out. */
import type { Stats } from 'node:fs';
import { lstat, readdir, realpath, stat } from 'node:fs/promises';
import { bytesOf, toText } from '../../gateway/byte-text.js';
import { canBeAskedFor, isInside } from '../../routing/path-resolver.js';
import { encodeSegment } from '../../routing/segments.js';

export interface ListedFile {
  /** Text, not byte text. */
  readonly name: string;
  /** Relative, percent-encoded; of a folder, with a slash at its end. */
  readonly href: string;
  readonly type: 'file' | 'directory';
  /** null for a folder. */
  readonly size: number | null;
  /** ISO 8601; null for a folder. */
  readonly modified: string | null;
}

export interface FolderFiles {
  /** In no order. */
  readonly files: readonly ListedFile[];
  /** How many names there are beside those that were looked at. */
  readonly more: number;
}

/** A page of more would help nobody, and each costs a look at the disk. */
const MAX_LISTED = 5000;
/** As many as Node has threads for the disk; more would only wait there, before what others want. */
const LOOKS_AT_ONCE = 4;

/**
 * Asks the disk on other threads: 5,000 looks on this one would stop everything else for half a second.
 *
 * @param root absolute, without links, byte text
 * @param folder in the root, without a slash at its end, byte text
 * @throws Error of the system if the folder cannot be read
 */
export async function readFolderFiles(root: string, folder: string): Promise<FolderFiles> {
  const names = await readdir(bytesOf(folder), 'latin1');
  const left = names.slice(0, MAX_LISTED);
  const files: ListedFile[] = [];
  const lookOneByOne = async (): Promise<void> => {
    for (let name = left.pop(); name !== undefined; name = left.pop()) {
      if (!canBeAskedFor(name)) continue;
      const stats = await look(root, `${folder === '/' ? '' : folder}/${name}`);
      if (stats?.isFile() === true) files.push(listedFile(name, stats));
      else if (stats?.isDirectory() === true) files.push(listedFolder(name));
    }
  };
  await Promise.all(Array.from({ length: LOOKS_AT_ONCE }, lookOneByOne));
  return { files, more: Math.max(0, names.length - MAX_LISTED) };
}

/** Of what a link leads to, if that is in the root; undefined for what has gone or cannot be looked at. */
async function look(root: string, file: string): Promise<Stats | undefined> {
  try {
    const stats = await lstat(bytesOf(file));
    if (!stats.isSymbolicLink()) return stats;
    const real = await realpath(bytesOf(file), 'latin1');
    return isInside(root, real) ? await stat(bytesOf(real)) : undefined;
  } catch {
    return undefined;
  }
}

function listedFile(name: string, { size, mtime }: Stats): ListedFile {
  const href = encodeSegment(name);
  return { name: toText(name), href, type: 'file', size, modified: mtime.toISOString() };
}

function listedFolder(name: string): ListedFile {
  const href = `${encodeSegment(name)}/`;
  return { name: toText(name), href, type: 'directory', size: null, modified: null };
}
