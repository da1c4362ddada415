/**
 * TypeScript and JavaScript: the default export of a module.
 *
 * Always by jiti, also where Node reads TypeScript itself: each load is a fresh one, of the file and of what it imports, as a reload needs it, and
 * `xgi` is this xgi, installed in the project or not.
 */
import { createJiti } from 'jiti';
import { ConfigError } from '../errors.js';
import type { Document } from './file.js';

/** The end of a message of jiti's parser: `file:line:column`. */
const PLACE = /^(?:ParseError: )?(?<message>[^]*?)\s+(?<file>\S+):(?<line>\d+):(?<column>\d+)$/;

/**
 * @param file absolute
 * @param name of the file, for messages
 * @param importXgi what `import … from 'xgi'` gives there
 * @throws ConfigError `XGI_CONFIG_FILE`
 */
export async function importModule(
  file: string,
  name: string,
  importXgi: () => Promise<Record<string, unknown>>,
): Promise<Document> {
  const jiti = createJiti(file, {
    moduleCache: false,
    fsCache: false,
    tryNative: false,
    virtualModules: { xgi: await importXgi() },
  });
  try {
    const loaded = await jiti.import<Record<string, unknown>>(file);
    if (!('default' in loaded))
      throw new ConfigError(
        'XGI_CONFIG_FILE',
        `${name}: expected a default export: export default defineConfig({ … })`,
      );
    return { value: loaded['default'], locate: () => undefined };
  } catch (error) {
    throw error instanceof ConfigError ? error : describeFailure(error, file, name);
  }
}

function describeFailure(error: unknown, file: string, name: string): ConfigError {
  const { message, stack } = error instanceof Error ? error : { message: String(error), stack: undefined };
  const place = PLACE.exec(message)?.groups;
  if (place?.['file'] === file)
    return new ConfigError(
      'XGI_CONFIG_FILE',
      `${name}:${place['line']}:${place['column']}: ${place['message']!.trim()}`,
    );
  return new ConfigError(
    'XGI_CONFIG_FILE',
    `${name}: it cannot be loaded: ${message}`,
    stack === undefined ? {} : { detail: stack },
  );
}
