/** Watches the files of the application, and says once that some have changed when they have been quiet for a moment. */
import { watch, type FSWatcher } from 'chokidar';
import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import type { Log } from '../types.js';

export interface SourceWatchOptions {
  /** Watched beside what the application imports; absolute. */
  readonly extraFiles: readonly string[];
  readonly log: Log;
  readonly onChange: () => void;
}

/** An editor that saves several files, or a checkout, is one change. */
const QUIET_MS = 100;
/** A file that is written all the time does not put it off for ever. */
const MAX_QUIET_MS = 2000;
/** How often files that have gone are looked for. */
const SEARCH_MS = 200;

export class SourceWatch {
  readonly #options: SourceWatchOptions;
  readonly #watcher: FSWatcher;
  readonly #files = new Set<string>();
  readonly #gone = new Set<string>();
  #search: NodeJS.Timeout | undefined;
  #timer: NodeJS.Timeout | undefined;
  #firstAtMs = 0;
  #changed = new Set<string>();

  constructor(options: SourceWatchOptions) {
    this.#options = options;
    this.#watcher = watch([], { ignoreInitial: true, atomic: true });
    this.#watcher.on('all', (event, file) => this.#note(event, file));
    this.#watcher.on('error', (error) =>
      options.log.warn(
        `XGI_RELOAD_WATCH: not all files can be watched: ${(error as Error).message}; the limit may be fs.inotify.max_user_watches`,
      ),
    );
    this.add(options.extraFiles);
  }

  /** Watches these as well; absolute paths. */
  add(files: readonly string[]): void {
    const further = files.filter((file) => !this.#files.has(file) && !isDirectory(file));
    for (const file of further) this.#files.add(file);
    if (further.length > 0) this.#watcher.add(further);
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    clearInterval(this.#search);
    await this.#watcher.close();
  }

  #note(event: string, file: string): void {
    if (event === 'addDir' || event === 'unlinkDir') return;
    if (event === 'unlink' && this.#files.has(file)) this.#lookFor(file);
    this.#noteChange(file);
  }

  /** The watcher forgets a file that goes: with its folder, when another branch is checked out, to come back with the first one. */
  #lookFor(file: string): void {
    this.#gone.add(file);
    this.#search ??= setInterval(() => this.#welcomeBack(), SEARCH_MS);
    this.#welcomeBack();
  }

  #welcomeBack(): void {
    const back = [...this.#gone].filter((file) => existsSync(file));
    for (const file of back) {
      this.#gone.delete(file);
      this.#watcher.add(file);
      this.#noteChange(file);
    }
    if (this.#gone.size > 0) return;
    clearInterval(this.#search);
    this.#search = undefined;
  }

  #noteChange(file: string): void {
    const nowMs = performance.now();
    if (this.#timer === undefined) this.#firstAtMs = nowMs;
    this.#changed.add(file);
    clearTimeout(this.#timer);
    const leftMs = this.#firstAtMs + MAX_QUIET_MS - nowMs;
    this.#timer = setTimeout(() => this.#tell(), Math.max(0, Math.min(QUIET_MS, leftMs)));
  }

  #tell(): void {
    this.#timer = undefined;
    const [first = '', ...others] = [...this.#changed].map((file) => path.relative(process.cwd(), file));
    this.#changed.clear();
    const more = others.length === 0 ? '' : ` and ${others.length} more`;
    this.#options.log.info(`Changed: ${first}${more}; reloading`);
    this.#options.onChange();
  }
}

/** What a worker says is a file of a module is not believed: a folder would be watched with all that is below it. */
function isDirectory(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
