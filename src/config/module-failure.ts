/** Why a module that a person has written cannot be loaded, or has thrown: for a message, and for the log. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { inspect } from 'node:util';
import { isOwnFile, readFrame } from '../errors.js';
import { formatExcerpt } from './excerpt.js';
import type { Position } from './file.js';

export interface ModuleFailure {
  /** The end of a sentence. */
  readonly message: string;
  /** Where the source cannot be parsed, and in which file. */
  readonly place?: Position & { readonly file: string };
  /** The stack, as far as it is of the module and what it calls. */
  readonly stack?: string;
}

/** The end of a message of jiti's parser: `file:line:column`; its first column is 0. */
const PLACE = /^(?:ParseError: )?(?<message>[^]*?)\s+(?<file>\/\S+):(?<line>\d+):(?<column>\d+)$/;
const MISSING = /^Cannot find module '([^']*)'\nRequire stack:\n- (.*)/;

/** @param thrown anything can be */
export function describeModuleFailure(thrown: unknown): ModuleFailure {
  if (!(thrown instanceof Error) || typeof thrown.message !== 'string')
    return { message: typeof thrown === 'string' ? thrown : inspect(thrown) };
  const { message, stack } = thrown;
  const place = PLACE.exec(message)?.groups;
  if (place !== undefined) {
    const { file, line, column } = place as Readonly<Record<'file' | 'line' | 'column', string>>;
    return {
      message: place['message']!.trim(),
      place: { file, line: Number(line), column: Number(column) + 1 },
    };
  }
  const [, wanted, importer] = MISSING.exec(message) ?? [];
  if (wanted !== undefined)
    return { message: `there is no module ${JSON.stringify(wanted)}, which ${importer} imports` };
  const own = typeof stack === 'string' ? ownFrames(stack) : undefined;
  return { message, ...(own === undefined ? {} : { stack: own }) };
}

/** The same as a message and a detail for the log: of a source that cannot be parsed the line, else the stack. */
export function formatModuleFailure(thrown: unknown): { readonly message: string; readonly detail?: string } {
  const { message, place, stack } = describeModuleFailure(thrown);
  if (place === undefined) return { message, ...(stack === undefined ? {} : { detail: stack }) };
  const { file, line, column } = place;
  const text = lineOf(file, line);
  return {
    message: `${path.basename(file)}:${line}:${column}: ${message}`,
    ...(text === undefined
      ? {}
      : { detail: `${file}:${line}:${column}\n${formatExcerpt(text, line, column)}` }),
  };
}

function lineOf(file: string, line: number): string | undefined {
  try {
    return readFileSync(file, 'utf8').split(/\r?\n/)[line - 1];
  } catch {
    return undefined;
  }
}

const LOADER = /[\\/]node_modules[\\/]jiti[\\/]/;

/** Without those of the loader, and of xgi, that have called it; undefined if nothing is left. */
function ownFrames(stack: string): string | undefined {
  const lines = stack.split('\n');
  const loader = lines.findIndex((line) => LOADER.test(readFrame(line)?.file ?? ''));
  const called = loader === -1 ? lines : lines.slice(0, loader);
  const last = called.findLastIndex((line) => {
    const frame = readFrame(line);
    return frame !== undefined && !isOwnFile(frame.file);
  });
  return last === -1 ? undefined : called.slice(0, last + 1).join('\n');
}
