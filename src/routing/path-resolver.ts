/**
 * The one path resolver for static files, CGI and FastCGI: which file a request's path stands for, and what is left of the path
 * behind it (PATH_INFO, RFC 3875 section 4.1.5).
 *
 * The path is percent-decoded once, and what could mean another file to somebody else is refused before the disk is asked: a
 * control character, an encoded slash, a `.` or `..` segment. Then its segments are walked until one is a file. Names are
 * compared as bytes and as wholes: no case is folded, and `/cgi` is no beginning of `/cgi-bin`. Symbolic links are
 * followed, but what they lead to must be in the root.
 *
 * It owns no policy: whether a file may be read, run or listed is its callers' business. What is found can change before it is
 * opened, as on every server that looks before it opens: who may write below the root decides what is served from it.
 *
 * All paths are byte text: one character per byte, as the kernel has them.
 */
import { realpathSync, statSync, type Stats } from 'node:fs';
import { bytesOf } from '../gateway/byte-text.js';
import { decodeSegments, encodeSegment } from './segments.js';
import { formatReceived } from '../errors/received.js';

export interface PathToResolve {
  /** The folder to look in: absolute, with all symbolic links resolved. */
  readonly root: string;
  /** The request's path, or the part of it below a mount: percent-encoded, beginning with `/`. */
  readonly path: string;
}

export type ResolvedPath =
  | {
      readonly kind: 'file';
      /** The root and the walked segments; symbolic links are not resolved. */
      readonly file: string;
      /** The same file with all links resolved; in the root. What is to be opened. */
      readonly real: string;
      readonly stats: Stats;
      /** The decoded part of the path that was walked. */
      readonly urlPath: string;
      /** The decoded rest: '' or beginning with `/`. */
      readonly pathInfo: string;
    }
  | {
      readonly kind: 'directory';
      /** The root and the walked segments, without a slash at the end. */
      readonly folder: string;
      /** The decoded path, with the slash at its end if it had one. */
      readonly urlPath: string;
      readonly hasTrailingSlash: boolean;
    }
  /** 404. The reason is for the log: a client must not learn what is there. */
  | { readonly kind: 'missing'; readonly reason: string }
  /** A path that nobody may ask for. */
  | { readonly kind: 'refused'; readonly status: 400 | 404; readonly reason: string };

/** Bounds what one request may cost: each segment is a question to the disk. */
const MAX_WALKED_SEGMENTS = 128;
/** PATH_MAX of Linux without its NUL. */
const MAX_PATH_BYTES = 4095;

/**
 * Finds the first file on a path. Never throws for what a client sends or the disk holds.
 *
 * Synchronous: a `stat` of what the kernel has in memory takes 2 us and the `realpath` 5 us, where one asynchronous `stat` takes
 * 36 us (Node 20, two cores), most of it on other threads. A root on a disk that hangs stops the gateway.
 */
export function resolvePath({ root, path }: PathToResolve): ResolvedPath {
  const decoded = decodeSegments(path);
  if (decoded.kind === 'refused') return decoded;
  return walk(root === '/' ? '' : root, decoded.segments);
}

/**
 * The regular file of that name, if there is one in the root: for names that come from the configuration, not from a client.
 *
 * @param root absolute, without links
 * @param file absolute, below the root
 */
export function findFile(root: string, file: string): { real: string; stats: Stats } | undefined {
  const stats = look(file);
  if (typeof stats === 'string' || !stats.isFile()) return undefined;
  const real = realPathInside(root === '/' ? '' : root, file);
  return real === undefined ? undefined : { real, stats };
}

/** Whether a path may end in that name. @param name of something on the disk, byte text */
export function canBeAskedFor(name: string): boolean {
  return !isHidden(name) && decodeSegments(`/${encodeSegment(name)}`).kind === 'segments';
}

/** True for the root itself and for what is below it. Both are absolute and without links; `/srv/a` is not in `/srv/ab`. */
export function isInside(root: string, real: string): boolean {
  return real === root || real.startsWith(root.endsWith('/') ? root : `${root}/`);
}

function walk(base: string, segments: readonly string[]): ResolvedPath {
  const last = segments.length - 1;
  let urlPath = '';
  for (const [i, segment] of segments.entries()) {
    // A slash at the end: what was walked is a folder, or the loop had ended.
    if (segment === '' && i === last) return foundDirectory(base, urlPath, true);
    if (i === MAX_WALKED_SEGMENTS) return missing('it has too many segments');
    if (segment === '') return missing('it has an empty segment');
    if (isHidden(segment)) return missing(`${formatReceived(segment)} is hidden: it begins with a dot`);
    urlPath += `/${segment}`;
    const stats = look(base + urlPath);
    if (typeof stats === 'string') return missing(stats);
    if (stats.isFile()) return foundFile({ base, urlPath, stats, left: segments.slice(i + 1) });
    if (!stats.isDirectory()) return missing('it is neither a file nor a folder');
  }
  return foundDirectory(base, urlPath, false);
}

function foundFile(found: {
  readonly base: string;
  readonly urlPath: string;
  readonly stats: Stats;
  readonly left: readonly string[];
}): ResolvedPath {
  const { base, urlPath, stats, left } = found;
  const file = base + urlPath;
  const real = realPathInside(base, file);
  if (real === undefined) return missing('it leads out of the root, or has just gone');
  const pathInfo = left.map((segment) => `/${segment}`).join('');
  return { kind: 'file', file, real, stats, urlPath, pathInfo };
}

function foundDirectory(base: string, urlPath: string, hasTrailingSlash: boolean): ResolvedPath {
  const folder = base + urlPath || '/';
  if (realPathInside(base, folder) === undefined)
    return missing('it leads out of the root, or has just gone');
  return { kind: 'directory', folder, urlPath: hasTrailingSlash ? `${urlPath}/` : urlPath, hasTrailingSlash };
}

function realPathInside(base: string, file: string): string | undefined {
  try {
    const real = realpathSync.native(bytesOf(file), 'latin1');
    return isInside(base || '/', real) ? real : undefined;
  } catch {
    return undefined;
  }
}

/** What is there, or why nothing is. */
function look(file: string): Stats | string {
  if (file.length > MAX_PATH_BYTES) return 'it is longer than a path can be';
  try {
    return statSync(bytesOf(file), { throwIfNoEntry: false }) ?? 'there is no such file';
  } catch (error) {
    // EACCES, ELOOP, ENAMETOOLONG, EIO …
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}

/** `.htaccess`, `.git`: what people keep beside their files and not for others. `.well-known` is for others (RFC 8615). */
function isHidden(segment: string): boolean {
  return segment.startsWith('.') && segment !== '.well-known';
}

function missing(reason: string): ResolvedPath {
  return { kind: 'missing', reason };
}
