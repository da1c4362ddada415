/** What is in a folder and below it, to be looked at once. */
import { type Dirent, readdirSync } from 'node:fs';
import { bytesOf } from '../gateway/byte-text.js';

/** Of a folder with more, the rest is not looked at. */
const MAX_ENTRIES = 20_000;

export interface FolderEntry {
  /** Absolute; byte text. */
  readonly path: string;
  readonly name: string;
  /** `other` is a link, a socket, a device. */
  readonly kind: 'file' | 'folder' | 'other';
}

/** @param enters whether what is in a folder is wanted too. Links are not followed */
export function listEntries(
  root: string,
  enters: (folder: FolderEntry) => boolean = () => true,
): FolderEntry[] {
  const entries: FolderEntry[] = [];
  const folders = [root];
  // Folders are found while others are read.
  for (const folder of folders) {
    if (entries.length > MAX_ENTRIES) break;
    for (const dirent of readFolder(folder)) {
      const name = dirent.name.toString('latin1');
      const kind = dirent.isDirectory() ? 'folder' : dirent.isFile() ? 'file' : 'other';
      const entry: FolderEntry = { path: `${folder === '/' ? '' : folder}/${name}`, name, kind };
      entries.push(entry);
      if (kind === 'folder' && enters(entry)) folders.push(entry.path);
    }
  }
  return entries;
}

function readFolder(folder: string): Dirent<Buffer>[] {
  try {
    return readdirSync(bytesOf(folder), { withFileTypes: true, encoding: 'buffer' });
  } catch {
    // One that we may not read; xgi as another user may.
    return [];
  }
}
