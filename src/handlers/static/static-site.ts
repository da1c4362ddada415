/** A folder of files: which of them a path means, and what lies beside it. It reads and answers nothing. */
import { realpathSync, type Stats } from 'node:fs';
import { bytesOf } from '../../gateway/byte-text.js';
import { behindMount } from '../../routing/mount.js';
import { findFile, resolvePath } from '../../routing/path-resolver.js';

export interface StaticSiteOptions {
  /** A folder, or a link to one: absolute, byte text. */
  readonly root: string;
  /** '' for the root, else `/static`. */
  readonly mount: string;
  /** Names of files that answer for their folder; the first that is there. */
  readonly index: readonly string[];
  /** Whether files beside a file are looked for that hold it compressed. */
  readonly precompressed: boolean;
}

/** Best first. */
const CODINGS = [
  ['br', '.br'],
  ['zstd', '.zst'],
  ['gzip', '.gz'],
] as const;

export type Coding = (typeof CODINGS)[number][0];

/** One form of a file. */
export interface Variant {
  /** null for the file itself. */
  readonly coding: Coding | null;
  /** All links resolved. */
  readonly real: string;
  readonly stats: Stats;
}

export interface FoundFile {
  readonly kind: 'file';
  /** Decoded, below the mount; of an index, with its name. */
  readonly urlPath: string;
  /** The file itself first. */
  readonly variants: readonly [Variant, ...Variant[]];
}

export type Located =
  | FoundFile
  /** A folder without an index; `urlPath` ends with a slash. */
  | { readonly kind: 'folder'; readonly folder: string; readonly urlPath: string }
  /** The same path with a slash at its end. */
  | { readonly kind: 'slash'; readonly hasIndex: boolean }
  /** The reasons are for the log. */
  | { readonly kind: 'missing'; readonly reason: string }
  | { readonly kind: 'refused'; readonly status: 400 | 404; readonly reason: string };

export class StaticSite {
  readonly #options: StaticSiteOptions;
  #root: string;

  constructor(options: StaticSiteOptions) {
    this.#options = options;
    this.#root = options.root;
  }

  /** Where the root was when the last path was looked for: without links. */
  get root(): string {
    return this.#root;
  }

  /** @param path of a request, percent-encoded */
  locate(path: string): Located {
    const { mount } = this.#options;
    const root = this.#followRoot();
    const rest = behindMount(path, mount);
    if (rest === undefined) return { kind: 'missing', reason: `it is not below ${mount}` };
    const found = resolvePath({ root, path: rest === '' ? '/' : rest });
    switch (found.kind) {
      case 'file':
        if (found.pathInfo !== '') return { kind: 'missing', reason: 'it goes on behind a file' };
        return this.#found(found.file, found.urlPath, found);
      case 'directory': {
        const hasSlash = found.hasTrailingSlash && rest !== '';
        const urlPath = found.urlPath.endsWith('/') ? found.urlPath : `${found.urlPath}/`;
        return this.#index(found.folder, urlPath, hasSlash);
      }
      default:
        return found;
    }
  }

  /** A file that the configuration names. @param urlPath decoded, below the mount */
  named(urlPath: string): FoundFile | undefined {
    const root = this.#root;
    const file = `${root === '/' ? '' : root}${urlPath}`;
    const found = findFile(root, file);
    return found && this.#found(file, urlPath, found);
  }

  /** A new version of a site is often a link that leads to another folder now. Nothing is found where there is no folder any more. */
  #followRoot(): string {
    try {
      this.#root = realpathSync.native(bytesOf(this.#options.root), 'latin1');
    } catch {
      this.#root = this.#options.root;
    }
    return this.#root;
  }

  #index(folder: string, urlPath: string, hasSlash: boolean): Located {
    for (const name of this.#options.index) {
      const found = this.named(urlPath + name);
      if (found !== undefined) return hasSlash ? found : { kind: 'slash', hasIndex: true };
    }
    return hasSlash ? { kind: 'folder', folder, urlPath } : { kind: 'slash', hasIndex: false };
  }

  #found(file: string, urlPath: string, { real, stats }: { real: string; stats: Stats }): FoundFile {
    const root = this.#root;
    const itself: Variant = { coding: null, real, stats };
    if (!this.#options.precompressed) return { kind: 'file', urlPath, variants: [itself] };
    const others = CODINGS.flatMap(([coding, ending]): Variant[] => {
      const found = findFile(root, file + ending);
      return found === undefined ? [] : [{ coding, ...found }];
    });
    return { kind: 'file', urlPath, variants: [itself, ...others] };
  }
}
