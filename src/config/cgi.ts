/** The settings of CGI programs, read and checked. */
import { accessSync, constants, realpathSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { ConfigError } from '../errors.js';
import { formatReceived } from '../errors/received.js';
import { toByteText, toText } from '../gateway/byte-text.js';
import type { ProgramLimits } from '../wire/frames.js';
import { DEFAULTS } from './defaults.js';
import { findProgram } from './python.js';
import type { ParsedConfig, UserConfig } from './schema.js';

/** Paths are absolute, and byte text. */
export interface CgiConfig {
  /** A folder of programs, or one program; links are followed, but not that of the program itself. */
  readonly site: { readonly kind: 'directory' | 'program'; readonly path: string };
  /** '' for the root, else `/cgi-bin`. */
  readonly mount: string;
  /** Names of the programs that answer for their folder. */
  readonly index: readonly string[];
  /** Ending → interpreter. */
  readonly interpreters: ReadonlyMap<string, string>;
  /** The whole environment of a program but what a request adds. */
  readonly env: Readonly<Record<string, string>>;
  /** 0 means none. */
  readonly timeoutMs: number;
  /** 0 means none. */
  readonly idleTimeoutMs: number;
  /** Programs at once. */
  readonly concurrency: number;
  /** Whom programs run as; null: as the rest. Not looked up yet. */
  readonly user: string | null;
  readonly warm: boolean;
  readonly preload: readonly string[];
  readonly passAuthorization: boolean;
  readonly streamBody: boolean;
  /** Files of programs that are given query words as arguments. */
  readonly indexQuery: ReadonlySet<string>;
  readonly limits: ProgramLimits;
}

/** Where programs are looked for that other programs name; nothing of the administrator's own. */
export const PROGRAM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

const INDEX = 'index.cgi';

export interface CgiContext {
  readonly directory: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  nameOf(key: keyof UserConfig): string;
}

/**
 * @param target an absolute path
 * @throws ConfigError
 */
export function resolveCgi(parsed: ParsedConfig, target: string, context: CgiContext): CgiConfig {
  const site = resolveSite(target, parsed.target ?? target, context.nameOf('target'));
  const folder = site.kind === 'directory' ? site.path : path.dirname(site.path);
  return {
    site,
    mount: parsed.mount ?? '',
    index: (parsed.index ?? [INDEX]).map(toByteText),
    interpreters: new Map((parsed.cgiInterpreter ?? []).map((entry) => resolveInterpreter(entry, context))),
    env: resolveEnv(parsed, context),
    timeoutMs: parsed.cgiTimeout ?? DEFAULTS.cgiTimeoutMs,
    idleTimeoutMs: parsed.cgiIdleTimeout ?? DEFAULTS.cgiIdleTimeoutMs,
    concurrency: parsed.cgiConcurrency ?? Math.max(DEFAULTS.cgiConcurrency, 4 * availableParallelism()),
    user: parsed.cgiUser ?? null,
    warm: parsed.cgiWarm ?? true,
    preload: parsed.cgiPreload ?? [],
    passAuthorization: parsed.cgiPassAuthorization ?? false,
    streamBody: parsed.cgiStreamBody ?? false,
    indexQuery: new Set((parsed.cgiIndexQuery ?? []).map((file) => resolveProgram(file, folder, context))),
    limits: {
      cpuSeconds: parsed.cgiLimitCpu ?? null,
      memoryBytes: parsed.cgiLimitMemory ?? null,
      files: parsed.cgiLimitFiles ?? null,
      processes: parsed.cgiLimitProcesses ?? null,
    },
  };
}

function resolveSite(target: string, written: string, name: string): CgiConfig['site'] {
  try {
    const isDirectory = statSync(target).isDirectory();
    if (isDirectory) return { kind: 'directory', path: toByteText(realpathSync(target)) };
    return {
      kind: 'program',
      path: toByteText(path.join(realpathSync(path.dirname(target)), path.basename(target))),
    };
  } catch (error) {
    const reason =
      (error as NodeJS.ErrnoException).code === 'ENOENT'
        ? 'there is nothing of that name'
        : (error as Error).message;
    throw new ConfigError(
      'XGI_CONFIG_TARGET',
      `${name}: expected a folder of CGI programs, or one program, received ${formatReceived(written)}: ${reason}`,
    );
  }
}

function resolveInterpreter(entry: string, { directory, nameOf }: CgiContext): readonly [string, string] {
  const equals = entry.indexOf('=');
  const [ending, written] = [entry.slice(0, equals), entry.slice(equals + 1)];
  const file = written.includes('/')
    ? path.resolve(directory, written)
    : findProgram(written, directory, PROGRAM_PATH);
  try {
    if (file === undefined) throw new Error(`there is no such program in ${PROGRAM_PATH}`);
    accessSync(file, constants.X_OK);
    if (!statSync(file).isFile()) throw new Error('it is no file');
    return [ending, toByteText(file)];
  } catch (error) {
    throw refuse(
      nameOf('cgiInterpreter'),
      'an interpreter that can be executed',
      entry,
      (error as Error).message,
    );
  }
}

function resolveEnv({ env = [], passEnv = [] }: ParsedConfig, context: CgiContext): Record<string, string> {
  const passed = passEnv.flatMap((name) => {
    const value = context.env[name];
    return value === undefined ? [] : [[name, toByteText(value)] as const];
  });
  const given = env.map((entry) => {
    const equals = entry.indexOf('=');
    return [toByteText(entry.slice(0, equals)), toByteText(entry.slice(equals + 1))] as const;
  });
  return Object.fromEntries([['PATH', PROGRAM_PATH], ...passed, ...given]);
}

function resolveProgram(file: string, folder: string, { nameOf }: CgiContext): string {
  const absolute = path.resolve(toText(folder), file);
  if (statSync(absolute, { throwIfNoEntry: false })?.isFile() === true) return toByteText(absolute);
  throw refuse(
    nameOf('cgiIndexQuery'),
    'a program, by its path below TARGET',
    file,
    `there is no file ${absolute}`,
  );
}

function refuse(name: string, expected: string, received: string, reason: string): ConfigError {
  return new ConfigError(
    'XGI_CONFIG_VALUE',
    `${name}: expected ${expected}, received ${formatReceived(received)}: ${reason}`,
  );
}
