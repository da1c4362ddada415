/**
 * TypeScript and JavaScript: the default export of a module.
 *
 * Always by jiti, also where Node reads TypeScript itself: each load is a fresh one, of the file and of what it imports, as a reload needs it, and
 * `xgi` is this xgi, installed in the project or not.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { inspect } from 'node:util';
import { createJiti } from 'jiti';
import { ConfigError } from '../errors.js';
import type { Document } from './file.js';
import { ModulePlaces } from './module-places.js';

/** The end of a message of jiti's parser: `file:line:column`; its first column is 0. */
const PLACE = /^(?:ParseError: )?(?<message>[^]*?)\s+(?<file>\S+):(?<line>\d+):(?<column>\d+)$/;

/** For an `await` at the top of a module: a secret that is fetched. */
const LOAD_LIMIT_MS = 30_000;

export interface ModuleFile {
  /** Absolute. */
  readonly file: string;
  /** Of the file, for messages. */
  readonly name: string;
  /** What stands in it, to say where a setting is. */
  readonly source: string;
}

/**
 * @param importXgi what `import … from 'xgi'` gives there
 * @param limitMs how long the module may take
 * @throws ConfigError `XGI_CONFIG_FILE`
 */
export async function importModule(
  { file, name, source }: ModuleFile,
  importXgi: () => Promise<Record<string, unknown>>,
  limitMs: number = LOAD_LIMIT_MS,
): Promise<Document> {
  const jiti = createJiti(file, {
    moduleCache: false,
    fsCache: false,
    tryNative: false,
    // It looks into the default export, whatever that is.
    interopDefault: false,
    virtualModules: { xgi: await importXgi() },
  });
  try {
    const loaded = await withinLimit(() => jiti.import<unknown>(file), limitMs);
    const places = new ModulePlaces(source);
    return { value: defaultOf(loaded, name), locate: (at, what) => places.locate(at, what) };
  } catch (error) {
    throw error instanceof ConfigError ? error : describeFailure(error, file, name);
  }
}

/** The default export; of a CommonJS module, what it exports. */
function defaultOf(loaded: unknown, name: string): unknown {
  if (typeof loaded !== 'object' || loaded === null) return loaded;
  if ('default' in loaded) return loaded.default;
  const isCommonJs = !('__esModule' in loaded) && Object.keys(loaded).length > 0;
  if (isCommonJs) return loaded;
  throw new ConfigError(
    'XGI_CONFIG_FILE',
    `${name}: expected a default export: export default defineConfig({ … })`,
  );
}

/** Fails, too, if a promise fails meanwhile that the module does not await: it would end the process, with all that it serves. */
async function withinLimit<T>(load: () => Promise<T>, limitMs: number): Promise<T> {
  const { promise: failure, reject } = withRejection();
  const timer = setTimeout(
    () => reject(new Error(`it has not ended within ${limitMs / 1000} s: what it awaits does not come`)),
    limitMs,
  );
  process.on('unhandledRejection', reject);
  try {
    return await Promise.race([load().then(afterATurn), failure]);
  } finally {
    clearTimeout(timer);
    process.off('unhandledRejection', reject);
  }
}

function withRejection(): { readonly promise: Promise<never>; readonly reject: (error: unknown) => void } {
  let reject: (error: unknown) => void;
  const promise = new Promise<never>((_, refuse) => (reject = refuse));
  // Later ones are nobody's business.
  promise.catch(() => {});
  return { promise, reject: reject! };
}

/** Node tells of rejections between the turns of the loop. */
async function afterATurn<T>(value: T): Promise<T> {
  await turn();
  return value;
}

function describeFailure(error: unknown, file: string, name: string): ConfigError {
  const { message, stack } = readError(error);
  const place = PLACE.exec(message)?.groups;
  if (place?.['file'] === file)
    return new ConfigError(
      'XGI_CONFIG_FILE',
      `${name}:${place['line']}:${Number(place['column']) + 1}: ${place['message']!.trim()}`,
    );
  return new ConfigError(
    'XGI_CONFIG_FILE',
    `${name}: it cannot be loaded: ${message}`,
    stack === undefined ? {} : { detail: ownFrames(stack) },
  );
}

/** Anything can be thrown. */
function readError(error: unknown): { readonly message: string; readonly stack?: string | undefined } {
  if (!(error instanceof Error) || typeof error.message !== 'string')
    return { message: typeof error === 'string' ? error : inspect(error) };
  return { message: error.message, stack: error.stack };
}

/** Without those of the loader, and of what has called it. */
function ownFrames(stack: string): string {
  const lines = stack.split('\n');
  const loader = lines.findIndex((line) => /^ {4}at .*[\\/]jiti[\\/]/.test(line));
  return lines.slice(0, loader === -1 ? undefined : loader).join('\n');
}
