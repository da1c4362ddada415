/**
 * What a TARGET is. This version serves WSGI applications; other targets are recognised so that the answer names
 * them, instead of a module that cannot be found.
 */
import { type Stats, statSync } from 'node:fs';
import path from 'node:path';
import { ConfigError } from '../errors.js';

/** How a TARGET is written, for messages. */
export const TARGET_FORM = 'MODULE:CALLABLE, MODULE, MODULE:FACTORY() or path/to/FILE.py[:CALLABLE]';

// PEP 3131: letters of any script.
const IDENTIFIER = String.raw`[\p{L}\p{Nl}_][\p{L}\p{Nl}\p{Mn}\p{Mc}\p{Nd}\p{Pc}]*`;
const DOTTED = String.raw`${IDENTIFIER}(?:\.${IDENTIFIER})*`;
const CALLABLE = String.raw`${DOTTED}(?:\([^\0\r\n]*\))?`;
const MODULE = new RegExp(`^${DOTTED}$`, 'u');
const MODULE_CALLABLE = new RegExp(`^${DOTTED}:${CALLABLE}$`, 'u');
const FILE_CALLABLE = new RegExp(String.raw`^[^\0]*\.py(?::${CALLABLE})?$`, 'u');

/**
 * Checks the form of a WSGI target; whether it can be loaded, a worker finds out.
 *
 * @param directory what a path is relative to
 * @returns the target as the worker protocol has it (docs/protocol.md, HELLO)
 * @throws ConfigError `XGI_CONFIG_TARGET`
 */
export function detectTarget(target: string, directory: string): string {
  if (MODULE_CALLABLE.test(target) || FILE_CALLABLE.test(target)) return target;
  const file = path.resolve(directory, target);
  const found = target === '' ? undefined : statSync(file, { throwIfNoEntry: false });
  if (MODULE.test(target) && !isPlainFolder(file, found) && !isDottedFile(target, directory, found))
    return target;
  if (found?.isDirectory() === true) throw refuse(target, 'it is a directory');
  if (found !== undefined) throw refuse(target, 'it is a file, but not a Python module (*.py)');
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(target)) throw refuse(target, 'it is a URL');
  throw new ConfigError(
    'XGI_CONFIG_TARGET',
    `TARGET: expected ${TARGET_FORM}, received ${JSON.stringify(target)}`,
  );
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

function refuse(target: string, observed: string): ConfigError {
  return new ConfigError(
    'XGI_CONFIG_TARGET',
    `TARGET: ${JSON.stringify(target)} cannot be served: ${observed}; this version serves WSGI applications: ${TARGET_FORM}`,
  );
}
