/** What is in a folder, as a page or, for programs, as JSON. */
import { readdirSync } from 'node:fs';
import { chooseMediaType } from '../../http/accept.js';
import { combinedValue } from '../../http/field-values.js';
import { ResponseHead } from '../../http/response-head.js';
import { bytesOf, toText } from '../../gateway/byte-text.js';
import { resolvePath } from '../../routing/path-resolver.js';
import { encodeSegment } from '../../routing/segments.js';
import type { GatewayRequest, GatewayResponse } from '../../types.js';
import { formatListing, LISTING_POLICY } from './listing-page.js';

export interface FolderToList {
  readonly root: string;
  readonly mount: string;
  readonly folder: string;
  /** Decoded, below the mount, with a slash at its end. */
  readonly urlPath: string;
}

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

/** A page of more would help nobody, and each costs a look at the disk. */
const MAX_LISTED = 5000;

/** Lists what a client could ask for: nothing hidden, and no links that lead out. */
export function listFolder(request: GatewayRequest, folder: FolderToList): GatewayResponse {
  const { files, more } = readFolder(folder);
  const type = chooseMediaType(combinedValue(request.fields, 'accept'), ['text/html', 'application/json']);
  if (type === 'application/json') {
    const entries = files.map(({ name, type: kind, size, modified }) => ({
      name,
      type: kind,
      size,
      modified,
    }));
    return answer('application/json; charset=utf-8', `${JSON.stringify(entries)}\n`, []);
  }
  const path = toText(folder.mount + folder.urlPath);
  const page = formatListing({ path, isRoot: folder.urlPath === '/', files, more });
  return answer('text/html; charset=utf-8', page, ['Content-Security-Policy', LISTING_POLICY]);
}

function readFolder({ root, folder, urlPath }: FolderToList): { files: ListedFile[]; more: number } {
  const names = readdirSync(bytesOf(folder), 'latin1');
  const base = urlPath.split('/').map(encodeSegment).join('/');
  const files = names.slice(0, MAX_LISTED).flatMap((name) => {
    const segment = encodeSegment(name);
    const found = resolvePath({ root, path: base + segment });
    if (found.kind !== 'file' && found.kind !== 'directory') return [];
    return [listed(toText(name), segment, found.kind === 'file' ? found.stats : undefined)];
  });
  return { files: files.toSorted(byTypeAndName), more: Math.max(0, names.length - MAX_LISTED) };
}

function listed(name: string, segment: string, stats?: { size: number; mtime: Date }): ListedFile {
  if (stats === undefined)
    return { name, href: `${segment}/`, type: 'directory', size: null, modified: null };
  return { name, href: segment, type: 'file', size: stats.size, modified: stats.mtime.toISOString() };
}

function byTypeAndName(a: ListedFile, b: ListedFile): number {
  if (a.type !== b.type) return a.type === 'directory' ? -1 : 1;
  return collator.compare(a.name, b.name);
}

const collator = new Intl.Collator('en', { numeric: true });

function answer(mediaType: string, text: string, fields: readonly string[]): GatewayResponse {
  const head = new ResponseHead(200, ['Content-Type', mediaType, 'Vary', 'Accept', ...fields]);
  return { head, body: { kind: 'bytes', bytes: Buffer.from(text) } };
}
