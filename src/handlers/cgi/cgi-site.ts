/** A folder of CGI programs, or one program: which of them a path means, and what is left for it (RFC 3875 sections 3.3 and 4.1.5). */
import { statSync } from 'node:fs';
import { dirname } from 'node:path/posix';
import { GatewayError } from '../../errors.js';
import { bytesOf } from '../../gateway/byte-text.js';
import type { CgiPlace } from '../../gateway/cgi-environ.js';
import { decodePath } from '../../gateway/decode-path.js';
import { behindMount } from '../../routing/mount.js';
import { resolvePath, type ResolvedPath } from '../../routing/path-resolver.js';
import { decodeSegments, encodeSegment } from '../../routing/segments.js';
import type { GatewayRequest } from '../../types.js';
import { shown } from './program-error.js';
import { inspectProgram, type Program, type ProgramOptions } from './program.js';

/** Paths are byte text, absolute, with the links of their folders resolved. */
export type Site =
  | { readonly kind: 'directory'; readonly path: string }
  | { readonly kind: 'program'; readonly path: string };

/** What a path means: a program, or the same path with a slash at its end. */
export type Located =
  | { readonly kind: 'program'; readonly program: Program; readonly place: CgiPlace }
  | { readonly kind: 'slash' };

export interface SiteOptions extends ProgramOptions {
  /** Names of the programs that answer for their folder, byte text: the first that is there, as with Apache's DirectoryIndex. */
  readonly index: readonly string[];
}

/** Programs are looked for in `root`; `prefix` is the decoded path that stands for it, '' for the root of all. */
interface Folder {
  readonly root: string;
  readonly prefix: string;
}

export class CgiSite {
  readonly #site: Site;
  readonly #mount: string;
  readonly #options: SiteOptions;

  /** @param mount where it is served: '' for the root, else `/cgi-bin` */
  constructor(site: Site, mount: string, options: SiteOptions) {
    this.#site = site;
    this.#mount = mount;
    this.#options = options;
  }

  /**
   * @throws GatewayError 404 `XGI_CGI_NOT_FOUND`; 400 `XGI_CGI_PATH` for a path that is none; 500 for a program that cannot be run
   */
  locate({ mount, path }: Pick<GatewayRequest, 'mount' | 'path'>): Located {
    const rest = behindMount(path, this.#mount);
    if (rest === undefined) throw notFound(`the path is not below ${this.#mount}`);
    const prefix = decodePath(mount) + this.#mount;
    if (this.#site.kind === 'program') return this.#theProgram(this.#site.path, prefix, rest);
    return this.#inFolder({ root: this.#site.path, prefix }, rest === '' ? '/' : rest, rest !== '');
  }

  #theProgram(file: string, prefix: string, rest: string): Located {
    let pathInfo = '';
    if (rest !== '') {
      const decoded = decodeSegments(rest);
      if (decoded.kind === 'refused') throw refused(decoded);
      pathInfo = `/${decoded.segments.join('/')}`;
    }
    const stats = statSync(bytesOf(file), { throwIfNoEntry: false });
    if (stats === undefined) throw notFound(`there is no ${shown(file)}`);
    const place = {
      scriptName: prefix,
      pathInfo,
      scriptFilename: file,
      documentRoot: dirname(file),
      contextPrefix: prefix,
    };
    return { kind: 'program', program: inspectProgram(file, stats, this.#options), place };
  }

  #inFolder(folder: Folder, path: string, hasSlash: boolean): Located {
    const found = resolvePath({ root: folder.root, path });
    switch (found.kind) {
      case 'file':
        return this.#found(folder, found);
      case 'directory':
        return this.#index(folder, found.urlPath, hasSlash && found.hasTrailingSlash);
      case 'missing':
        throw notFound(found.reason);
      case 'refused':
        throw refused(found);
    }
  }

  #index(folder: Folder, urlPath: string, hasSlash: boolean): Located {
    const encoded = urlPath.replace(/\/$/, '').split('/').map(encodeSegment).join('/');
    for (const name of this.#options.index) {
      const index = resolvePath({ root: folder.root, path: `${encoded}/${encodeSegment(name)}` });
      if (index.kind === 'file') return hasSlash ? this.#found(folder, index) : { kind: 'slash' };
    }
    throw notFound(`it is a folder without ${this.#options.index.join(' or ')}`);
  }

  #found(
    { root, prefix }: Folder,
    { file, stats, urlPath, pathInfo }: Extract<ResolvedPath, { kind: 'file' }>,
  ): Located {
    const place = {
      scriptName: prefix + urlPath,
      pathInfo,
      scriptFilename: file,
      documentRoot: root,
      contextPrefix: prefix,
    };
    return { kind: 'program', program: inspectProgram(file, stats, this.#options), place };
  }
}

/** Why, the log tells: a client learns nothing of what is there. */
function notFound(reason: string): GatewayError {
  return new GatewayError(404, 'XGI_CGI_NOT_FOUND', 'there is no program at this path', { detail: reason });
}

function refused({ status, reason }: { status: number; reason: string }): GatewayError {
  return new GatewayError(status, 'XGI_CGI_PATH', reason);
}
