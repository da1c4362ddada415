/** Files of modules in TypeScript and JavaScript, as a person names them. */
import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { findNear } from './near.js';
import { whyUnreadable } from './unreadable.js';
import { formatReceived } from '../errors/received.js';

const MODULE = /\.[cm]?[jt]s$/;

export function isModuleName(written: string): boolean {
  return MODULE.test(written);
}

/**
 * Why a module cannot be loaded, as far as its file shows; undefined if there is one.
 *
 * @param directory what the name is relative to
 */
export function moduleProblem(written: string, directory: string): string | undefined {
  const file = path.resolve(directory, written);
  try {
    if (statSync(file).isFile()) return undefined;
  } catch (error) {
    const near = findNear(path.basename(file), modulesIn(path.dirname(file)));
    const hint =
      near === undefined ? '' : `; did you mean ${written.slice(0, -path.basename(written).length)}${near}?`;
    return whyUnreadable(error) + hint;
  }
  return 'it is not a file';
}

function modulesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).filter(isModuleName);
  } catch {
    return [];
  }
}

/** `expected …, received …: …`, for the end of a message. */
export function describeNoModule(written: string, problem: string): string {
  return `expected a TypeScript or JavaScript file, received ${formatReceived(written)}: ${problem}`;
}
