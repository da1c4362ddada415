/**
 * Modules that a person names in a configuration: applications and middleware, in TypeScript or JavaScript.
 *
 * By jiti, as configuration files are: each load is a fresh one, of the file and of what it imports beside it.
 */
import { createJiti } from 'jiti';

/** What `import … from 'xgi'` gives in such a module, wherever it lies: this xgi. */
export async function importXgi(): Promise<Record<string, unknown>> {
  return { ...(await import('../index.js')) };
}

/** @returns the default export; undefined if there is none. @throws whatever the module throws */
export async function loadModule(file: string): Promise<unknown> {
  const jiti = createJiti(file, {
    moduleCache: false,
    fsCache: false,
    tryNative: false,
    virtualModules: { xgi: await importXgi() },
  });
  const loaded = await jiti.import<Record<string, unknown>>(file);
  return loaded['default'];
}
