/**
 * Modules that a person names in a configuration: applications and middleware, in TypeScript or JavaScript.
 */
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { createModuleLoader } from '../config/module-loader.js';
import { beginFreshLoad, filesOfLoad } from './fresh-modules.js';

/** What `import … from 'xgi'` gives in such a module, wherever it lies: this xgi. */
export async function importXgi(): Promise<Record<string, unknown>> {
  return { ...(await import('../index.js')) };
}

/** What a module exports; `default` may be undefined. */
export type ModuleExports = Readonly<Record<string, unknown>>;

export interface LoadOptions {
  /** Called with the files that were loaded: the module's, and those that it imports beside it. */
  readonly onFiles?: ((paths: readonly string[]) => void) | undefined;
  /** A module that is still loading then is given up, so that the next load can begin. Default 60 s. */
  readonly timeoutMs?: number | undefined;
}

const TIMEOUT_MS = 60_000;

/** @returns the default export; undefined if there is none. @throws whatever the module throws */
export async function loadModule(file: string): Promise<unknown> {
  return (await loadExports(file))['default'];
}

let lastLoad: Promise<unknown> = Promise.resolve();

/**
 * Two imports of one file in the same load give the same instance; another load gives another. One load after the other.
 *
 * @throws whatever the module throws
 */
export async function loadExports(file: string, options: LoadOptions = {}): Promise<ModuleExports> {
  const load = lastLoad.then(() => withinTime(loadNow(file, options), options.timeoutMs ?? TIMEOUT_MS));
  lastLoad = load.catch(() => {});
  return await load;
}

/** What a module waits for at its top level may never come. @throws Error */
async function withinTime<T>(load: Promise<T>, timeoutMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const why = `it is still loading after ${timeoutMs / 1000} s; what does it wait for at its top level?`;
    timer = setTimeout(() => reject(new Error(why)), timeoutMs);
  });
  return await Promise.race([load, late]).finally(() => clearTimeout(timer));
}

async function loadNow(file: string, { onFiles }: LoadOptions): Promise<ModuleExports> {
  const { cache } = createRequire(file);
  for (const known of Object.keys(cache)) if (isOwnFile(known)) delete cache[known];
  await beginFreshLoad();
  const files = new Set([file]);
  const loader = createModuleLoader(file, { virtualModules: { xgi: await importXgi() } }, (loaded) =>
    files.add(loaded),
  );
  try {
    return await loader.import<ModuleExports>(file);
  } finally {
    for (const known of [...Object.keys(cache), ...(await filesOfLoad())])
      if (isOwnFile(known)) files.add(known);
    onFiles?.([...files]);
  }
}

const PACKAGE_ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Neither of a dependency, nor of xgi. */
function isOwnFile(file: string): boolean {
  return !file.includes(`${path.sep}node_modules${path.sep}`) && !file.startsWith(PACKAGE_ROOT);
}
