/** The settings of static files, read and checked. */
import { realpathSync, statSync } from 'node:fs';
import path from 'node:path';
import { ConfigError } from '../errors.js';
import { formatReceived } from '../errors/received.js';
import { toByteText, toText } from '../gateway/byte-text.js';
import type { ParsedConfig, UserConfig } from './schema.js';

/** All but the pattern and the value of rules is byte text. */
export interface StaticConfig {
  /** Absolute. */
  readonly root: string;
  /** '' for the root, else `/static`. */
  readonly mount: string;
  readonly index: readonly string[];
  readonly listing: boolean;
  /** A path below the root, beginning with `/`. */
  readonly spa: string | null;
  readonly cacheControl: readonly { readonly pattern: string; readonly value: string }[];
  readonly precompressed: boolean;
  /** Status → path below the root, beginning with `/`. */
  readonly errorPages: ReadonlyMap<number, string>;
}

const INDEX = 'index.html';
const NOT_FOUND_PAGE: readonly [number, string] = [404, '/404.html'];

/**
 * @param target an absolute path
 * @throws ConfigError
 */
export function resolveStatic(
  parsed: ParsedConfig,
  target: string,
  nameOf: (key: keyof UserConfig) => string,
): StaticConfig {
  const root = resolveRoot(target, parsed.target ?? target, nameOf('target'));
  return {
    root: toByteText(target),
    mount: parsed.mount ?? '',
    index: (parsed.index ?? [INDEX]).map(toByteText),
    listing: parsed.listing ?? false,
    spa: parsed.spa === undefined ? null : resolveBelow(root, parsed.spa, nameOf('spa')),
    cacheControl: (parsed.cacheControl ?? []).map(splitRule),
    precompressed: parsed.precompressed ?? false,
    errorPages: new Map([
      NOT_FOUND_PAGE,
      ...(parsed.errorPage ?? []).map((entry): [number, string] => [
        Number(entry.slice(0, 3)),
        resolveBelow(root, entry.slice(4), nameOf('errorPage')),
      ]),
    ]),
  };
}

/** Not byte text. */
export function staticFolder({ root }: StaticConfig): string {
  return toText(root);
}

function resolveRoot(target: string, written: string, name: string): string {
  try {
    const root = realpathSync(target);
    if (statSync(root).isDirectory()) return root;
    throw new Error('it is no folder');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = code === 'ENOENT' ? 'there is nothing of that name' : message;
    throw new ConfigError(
      'XGI_CONFIG_TARGET',
      `${name}: expected a folder of files, received ${formatReceived(written)}: ${reason}`,
    );
  }
}

function resolveBelow(root: string, written: string, name: string): string {
  const below = path.posix.join('/', written);
  if (statSync(path.join(root, below), { throwIfNoEntry: false })?.isFile() === true)
    return toByteText(below);
  throw new ConfigError(
    'XGI_CONFIG_VALUE',
    `${name}: expected a file below TARGET, received ${formatReceived(written)}: there is no file ${path.join(root, below)}`,
  );
}

function splitRule(entry: string): { pattern: string; value: string } {
  const equals = entry.indexOf('=');
  return { pattern: toByteText(entry.slice(0, equals)), value: entry.slice(equals + 1).trim() };
}
