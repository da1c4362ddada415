/**
 * TypeScript and JavaScript: the default export of a module.
 *
 * `xgi` is this xgi there, installed in the project or not.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { ConfigError, findFrame } from '../errors.js';
import type { Document, Position } from './file.js';
import { describeModuleFailure, formatModuleFailure } from './module-failure.js';
import { createModuleLoader } from './module-loader.js';
import { ModulePlaces } from './module-places.js';

/** For an `await` at the top of a module: a secret that is fetched. */
const LOAD_LIMIT_MS = 30_000;

export interface ModuleFile {
  /** Absolute. */
  readonly file: string;
  /** Of the file, for messages. */
  readonly name: string;
  /** What stands in it, to say where a setting is. */
  readonly source: string;
  /** Called for an error that has a place: what begins there may be a secret. */
  readonly hide: (secret: Position) => void;
}

/**
 * @param importXgi what `import … from 'xgi'` gives there
 * @param limitMs how long the module may take
 * @throws ConfigError `XGI_CONFIG_FILE`; what a middleware says of its options that is made there, with its place
 */
export async function importModule(
  module: ModuleFile,
  importXgi: () => Promise<Record<string, unknown>>,
  limitMs: number = LOAD_LIMIT_MS,
): Promise<Document> {
  const { file, name, source } = module;
  const loader = createModuleLoader(file, {
    // It looks into the default export, whatever that is.
    interopDefault: false,
    virtualModules: { xgi: await importXgi() },
  });
  try {
    const loaded = await withinLimit(() => loader.import<unknown>(file), limitMs);
    const places = new ModulePlaces(source);
    return { value: defaultOf(loaded, name), locate: (at, what) => places.locate(at, what) };
  } catch (error) {
    throw error instanceof ConfigError ? withPlace(error, module) : describeFailure(error, file, name);
  }
}

/** Of a middleware that is made in the file, `rateLimit({ … })`, the place of the call. */
function withPlace(error: ConfigError, { file, name, source, hide }: ModuleFile): ConfigError {
  const { code, message, detail, stack = '' } = error;
  const call = findFrame(stack, (frame) => frame.file === file);
  if (call === undefined) return error;
  const { line, column } = call;
  // Options stand behind it, and in the calls and texts before it, and nobody has read which of them are secrets.
  const options = source.split(/\r?\n/)[line - 1]?.search(/[("'`]/) ?? -1;
  hide({ line, column: options === -1 ? column : options + 2 });
  return new ConfigError(code, `${name}:${line}:${column}: ${message}`, {
    cause: error,
    ...(detail === undefined ? {} : { detail }),
  });
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
  const { place, stack, message: problem } = describeModuleFailure(error);
  if (place?.file === file)
    return new ConfigError('XGI_CONFIG_FILE', `${name}:${place.line}:${place.column}: ${problem}`);
  const { message, detail } = formatModuleFailure(error);
  const thrown = stack === undefined ? undefined : findFrame(stack, (frame) => frame.file === file);
  const where = thrown === undefined ? name : `${name}:${thrown.line}:${thrown.column}`;
  return new ConfigError(
    'XGI_CONFIG_FILE',
    `${where}: it cannot be loaded: ${message}`,
    detail === undefined ? {} : { detail },
  );
}
