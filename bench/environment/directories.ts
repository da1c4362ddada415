/** Where things are, seen from the compiled benchmark in `dist-bench/environment`. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const projectDirectory = fileURLToPath(new URL('../..', import.meta.url));
export const benchDirectory = join(projectDirectory, 'bench');
export const appsDirectory = join(benchDirectory, 'apps');
export const wrkScript = join(benchDirectory, 'load/wrk.lua');
