/**
 * The loader of modules that a person has written, configuration as well as code: jiti, also where Node reads TypeScript itself. Each load is a fresh one,
 * of the file and of what it imports beside it, as a reload needs it.
 */
import { createJiti, type Jiti, type JitiOptions } from 'jiti';
import { keepPositions } from './module-positions.js';

/**
 * @param file absolute
 * @param onFile called with each file that is read
 */
export function createModuleLoader(
  file: string,
  options: JitiOptions,
  onFile: (file: string) => void = () => {},
): Jiti {
  const transpiler = createJiti(file, { fsCache: false });
  return createJiti(file, {
    moduleCache: false,
    fsCache: false,
    tryNative: false,
    // Asked for here, they are among what `transform` is given.
    sourceMaps: true,
    ...options,
    transform: (given) => {
      const code = transpiler.transform(given);
      if (given.filename === undefined) return { code };
      onFile(given.filename);
      return { code: keepPositions(given.filename, code) };
    },
  });
}
