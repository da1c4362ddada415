/** What a TARGET is: a WSGI application, CGI programs, or static files. */
import { readdirSync, type Stats, statSync } from 'node:fs';
import path from 'node:path';
import { ConfigError } from '../errors.js';
import { formatReceived } from '../errors/received.js';
import { describeNoModule, isModuleName, moduleProblem } from './module-file.js';

/** How a TARGET is written, for messages. */
const TARGET_FORM =
  'MODULE:CALLABLE, MODULE, MODULE:FACTORY(), path/to/FILE.py[:CALLABLE], ./FILE.wsgi[:CALLABLE], FILE.ts or FILE.js, a folder of CGI programs, or one of files';

/** Folders of these names hold what they are called for: nothing in them is looked at, let alone run, to find out. */
const PUBLIC_NAMES: ReadonlySet<string> = new Set(['public', 'dist']);

const CGI_NAME = 'cgi-bin';

// PEP 3131: letters of any script.
const IDENTIFIER = String.raw`[\p{L}\p{Nl}_][\p{L}\p{Nl}\p{Mn}\p{Mc}\p{Nd}\p{Pc}]*`;
const DOTTED = String.raw`${IDENTIFIER}(?:\.${IDENTIFIER})*`;
const CALLABLE = String.raw`${DOTTED}(?:\([^\0\r\n]*\))?`;
const MODULE = new RegExp(`^${DOTTED}$`, 'u');
const MODULE_CALLABLE = new RegExp(`^${DOTTED}:${CALLABLE}$`, 'u');
// With a slash: mysite.wsgi is a module.
const FILE_CALLABLE = new RegExp(String.raw`^[^\0]*(?:\.py|/[^\0/]*\.wsgi)(?::${CALLABLE})?$`, 'u');

export interface TargetChoice {
  /** What it is said to be; undefined to look. */
  readonly kind?: Target['kind'] | undefined;
  /** How a message names it. Default `TARGET`. */
  readonly name?: string;
}

/** What a target is: in the form of the worker protocol (docs/protocol.md, HELLO), or the absolute path of CGI programs or of a folder of files. */
export type Target =
  | { readonly kind: 'wsgi'; readonly target: string }
  | { readonly kind: 'cgi' | 'static' | 'app'; readonly path: string };

/**
 * Finds out what a target is. Whether an application can be loaded, a worker finds out.
 *
 * @param directory what a path is relative to
 * @throws ConfigError `XGI_CONFIG_TARGET`
 */
export function detectTarget(
  target: string,
  directory: string,
  { kind, name = 'TARGET' }: TargetChoice = {},
): Target {
  const refused = (observed: string): ConfigError => refuse(name, target, observed);
  const file = path.resolve(directory, target);
  if (kind === 'cgi' || kind === 'static' || kind === 'app') return { kind, path: file };
  if (MODULE_CALLABLE.test(target) || FILE_CALLABLE.test(target)) return { kind: 'wsgi', target };
  const found = target === '' ? undefined : statSync(file, { throwIfNoEntry: false });
  if (MODULE.test(target) && !isPlainFolder(file, found) && !isDottedFile(target, directory, found))
    return { kind: 'wsgi', target };
  if (kind === undefined && found?.isFile() === true && isModuleName(target))
    return { kind: 'app', path: file };
  const isFolder = found?.isDirectory() === true;
  if (kind === undefined && isFolder && PUBLIC_NAMES.has(path.basename(file)))
    return { kind: 'static', path: file };
  if (kind === undefined && found !== undefined && holdsPrograms(file, found))
    return { kind: 'cgi', path: file };
  if (kind === undefined && isFolder && exists(path.join(file, 'index.html')))
    return { kind: 'static', path: file };
  if (isFolder)
    throw refused(
      `it is a directory without an index.html; if it holds CGI programs, write xgi cgi ${target} (kind: cgi in a file), and for files xgi static ${target} (kind: static)`,
    );
  if (found !== undefined && target.endsWith('.wsgi'))
    throw refused(`it is read as a module, and there is none of this name; for the file write ./${target}`);
  if (found !== undefined)
    throw refused('it is a file, but neither a Python module (*.py) nor a program (chmod +x)');
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(target)) throw refused('it is a URL');
  if (isModuleName(target)) checkModule(target, directory, name);
  throw new ConfigError(
    'XGI_CONFIG_TARGET',
    `${name}: expected ${TARGET_FORM}, received ${formatReceived(target)}`,
  );
}

/** @returns the absolute path. @throws ConfigError `XGI_CONFIG_TARGET` if there is no such file */
export function checkModule(target: string, directory: string, name: string): string {
  const problem = moduleProblem(target, directory);
  if (problem === undefined) return path.resolve(directory, target);
  throw new ConfigError('XGI_CONFIG_TARGET', `${name}: ${describeNoModule(target, problem)}`);
}

/** Whether a target is a folder that has to be looked into (detect-project.ts): no module, and not named for what is in it. */
export function isProjectFolder(target: string, directory: string): boolean {
  const file = path.resolve(directory, target);
  const found = target === '' ? undefined : statSync(file, { throwIfNoEntry: false });
  if (found?.isDirectory() !== true || (MODULE.test(target) && !isPlainFolder(file, found))) return false;
  return path.basename(file) !== CGI_NAME && !PUBLIC_NAMES.has(path.basename(file));
}

/**
 * An executable file; a folder that is called cgi-bin, or has a program called `*.cgi` in it. Any executable file would not do: the
 * manage.py of a Django project is one.
 */
export function holdsPrograms(file: string, found: Stats): boolean {
  if (!found.isDirectory()) return isProgram(found);
  if (path.basename(file) === CGI_NAME) return true;
  return listFolder(file).some((name) => /^[^.].*\.cgi$/.test(name) && isProgramFile(path.join(file, name)));
}

function listFolder(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function isProgramFile(file: string): boolean {
  try {
    return isProgram(statSync(file));
  } catch {
    // A link that leads nowhere, or into a circle.
    return false;
  }
}

function isProgram(found: Stats): boolean {
  return found.isFile() && (found.mode & 0o111) !== 0;
}

/** A directory that is not a package. */
function isPlainFolder(file: string, found: Stats | undefined): boolean {
  return found?.isDirectory() === true && !exists(path.join(file, '__init__.py'));
}

/** A file whose name reads as a module, `app.wsgi`, while there is no such module (app/wsgi.py) beside it. */
function isDottedFile(target: string, directory: string, found: Stats | undefined): boolean {
  if (!target.includes('.') || found?.isFile() !== true) return false;
  return !exists(path.resolve(directory, `${target.replaceAll('.', '/')}.py`));
}

function exists(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false }) !== undefined;
}

function refuse(name: string, target: string, observed: string): ConfigError {
  return new ConfigError(
    'XGI_CONFIG_TARGET',
    `${name}: ${JSON.stringify(target)} cannot be served: ${observed}; expected ${TARGET_FORM}`,
  );
}
