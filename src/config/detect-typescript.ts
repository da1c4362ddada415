/** TypeScript and JavaScript applications of a project: a module with a default export. It is read, not run. */
import path from 'node:path';
import { isFile, liesBelow, readText } from './detect-folder.js';
import type { Found } from './detect-project.js';

const ENDINGS = ['ts', 'mts', 'js', 'mjs', 'cjs'];
const NAMES = ['app', 'server', 'index', 'src/app', 'src/server', 'src/index'].flatMap((name) =>
  ENDINGS.map((ending) => `${name}.${ending}`),
);

const COMMENT = /\/\*[^]*?\*\/|^\s*\/\/.*$/gm;
const DEFAULT_EXPORT =
  /^\s*export\s+default\b|\bexport\s*\{[^}]*\bas\s+default\b[^}]*\}|^\s*module\.exports\s*=/m;

/** The first file of a usual name, or the one that package.json names, that has a default export. */
export function findTypescript(project: string): Found {
  const name = [...NAMES, ...namesOfPackage(project)].find((file) => hasDefaultExport(project, file));
  if (name === undefined) return { notes: [] };
  return {
    part: {
      name: 'web',
      app: { kind: 'app', target: `./${name}` },
      found: name,
      use: 'its default export, a TypeScript application',
    },
    notes: [],
  };
}

function hasDefaultExport(project: string, name: string): boolean {
  const file = path.join(project, name);
  if (!isFile(file) || !liesBelow(file, project)) return false;
  return DEFAULT_EXPORT.test(readText(file)?.replaceAll(COMMENT, '') ?? '');
}

function namesOfPackage(project: string): string[] {
  try {
    const { module, main } = JSON.parse(readText(path.join(project, 'package.json')) ?? '{}') as Record<
      string,
      unknown
    >;
    return [module, main].flatMap((name) =>
      typeof name === 'string' && /\.[cm]?[jt]s$/.test(name) ? [path.posix.normalize(name)] : [],
    );
  } catch {
    return [];
  }
}
