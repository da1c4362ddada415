/**
 * `middleware: […]`, of the server, an application or a route. Each is
 *
 *  - the name of one that is ready, or an object of its name and its options: `requestId`, `{ compression: { level: 5 } }`;
 *  - a module of one's own, `./tenant.ts`, or an object of it and its options;
 *  - a function, in a configuration that is a module;
 *  - of a WSGI application, WSGI middleware, `werkzeug.middleware.profiler:ProfilerMiddleware`, or an object of it and its keyword arguments.
 *
 * The first is the outermost.
 */
import path from 'node:path';
import { inspect } from 'node:util';
import { serialize } from 'node:v8';
import { z } from 'zod/v3';
import { ConfigError } from '../errors.js';
import type { Middleware } from '../types.js';
import type { SettingPath } from './file.js';
import { checkValue } from './issue.js';
import {
  isReadyName,
  LOADED_OPTIONS,
  READY_MIDDLEWARE,
  type ReadyMiddlewareOptions,
  type ReadyName,
} from './middleware/ready.js';
import { describeNoModule, isModuleName, moduleProblem } from './module-file.js';
import { findNear } from './near.js';
import { hideSecrets } from './secrets.js';
import { IN_MODULES_ONLY } from './values.js';

const FORM =
  'the name of a middleware, the path of a module (./tenant.ts), WSGI middleware (MODULE:CALLABLE), or an object of one of them and its options';

const readyOptions = z
  .object(READY_MIDDLEWARE, { invalid_type_error: FORM })
  .partial()
  // A path, or WSGI middleware: their options are theirs to check.
  .catchall(z.unknown());

const middlewareList = z.array(
  z.union([
    z.custom<Middleware>((value) => typeof value === 'function', FORM).describe(IN_MODULES_ONLY),
    z.string({ invalid_type_error: FORM }).describe(FORM),
    readyOptions,
  ]),
  { invalid_type_error: 'a list of middleware' },
);

type ModuleName = `${string}.${'' | 'c' | 'm'}${'j' | 't'}s`;
type PythonName = `${string}:${string}`;

/** As a person writes it. A misspelt name is none of these forms, so that an editor sees it. */
export type UserMiddleware =
  | Middleware
  | ReadyName
  | ModuleName
  | PythonName
  | ReadyMiddlewareOptions
  | Readonly<Record<ModuleName | PythonName, unknown>>;

/** For the types, narrower than what it reads: that is also YAML. */
export const middlewareSchema = middlewareList as z.ZodType<
  z.output<typeof middlewareList>,
  z.ZodTypeDef,
  UserMiddleware[]
>;

export type MiddlewareEntry = {
  /** How a message names it. */
  readonly where: string;
} & (
  | {
      readonly kind: 'ready';
      readonly name: ReadyName;
      /** Parsed. */
      readonly options: unknown;
      /** How a message names {@link LOADED_OPTIONS}, and the entries of those that are objects: `file`, `pages.404`. */
      readonly names: Readonly<Record<string, string>>;
    }
  /** `path` is absolute; `options` are undefined if none were given. */
  | { readonly kind: 'module'; readonly path: string; readonly options: unknown }
  | { readonly kind: 'function'; readonly middleware: Middleware }
);

/** WSGI middleware: a worker puts it around its application. */
export interface PythonMiddleware {
  /** How a message names it. */
  readonly where: string;
  /** `MODULE:CALLABLE` */
  readonly target: string;
  /** Keyword arguments; JSON. */
  readonly options: Readonly<Record<string, unknown>>;
}

export interface ResolvedMiddleware {
  readonly entries: readonly MiddlewareEntry[];
  /** The first is the outermost. */
  readonly python: readonly PythonMiddleware[];
}

interface MiddlewareContext {
  /** What paths of modules are relative to; absolute. */
  readonly directory: string;
  /** How a message names a setting in the list. */
  nameOf(at: SettingPath): string;
  /** Whether it may be WSGI middleware. */
  readonly takesPython: boolean;
  /** Whether other processes are given it. */
  readonly isShared: boolean;
}

const MAX_LEVELS = 64;
const PYTHON = /^[\p{L}_][\p{L}\p{Nd}_.]*:[\p{L}_][\p{L}\p{Nd}_.]*$/u;

/** @throws ConfigError */
export function resolveMiddleware(
  given: z.output<typeof middlewareSchema> | undefined,
  context: MiddlewareContext,
): ResolvedMiddleware {
  const entries: MiddlewareEntry[] = [];
  const python: PythonMiddleware[] = [];
  for (const [i, item] of (given ?? []).entries()) {
    const where = context.nameOf([i]);
    if (typeof item === 'function') {
      entries.push({ kind: 'function', middleware: item, where });
      continue;
    }
    const [name, options] = typeof item === 'string' ? [item, undefined] : onlyEntry(item, where);
    if (PYTHON.test(name)) {
      python.push(resolvePython(name, options, { ...context, where }));
      continue;
    }
    if (python.length > 0)
      throw new ConfigError(
        'XGI_CONFIG_VALUE',
        `${where}: ${name} runs in front of the workers, and WSGI middleware inside of them; write it before ${python[0]!.target}`,
      );
    if (isReadyName(name)) {
      const read = options ?? defaultsOf(name, where);
      const names = namesIn(read, name, (at) => context.nameOf([i, name, ...at]));
      entries.push({ kind: 'ready', name, options: read, names, where });
    } else if (isModuleName(name)) {
      entries.push({ kind: 'module', path: findModule(name, context.directory, where), options, where });
    } else {
      throw unknown(name, where);
    }
  }
  if (context.isShared) for (const entry of entries) checkPlain(entry);
  return { entries, python };
}

function namesIn(
  options: unknown,
  name: ReadyName,
  nameOf: (at: SettingPath) => string,
): Record<string, string> {
  const names: Record<string, string> = {};
  for (const option of LOADED_OPTIONS[name] ?? []) {
    const value = (options as Readonly<Record<string, unknown>>)[option];
    if (value === undefined) continue;
    names[option] = nameOf([option]);
    if (!isPlainObject(value)) continue;
    for (const key of Object.keys(value)) names[`${option}.${key}`] = nameOf([option, key]);
  }
  return names;
}

/** @returns absolute. @throws ConfigError */
function findModule(written: string, directory: string, where: string): string {
  const problem = moduleProblem(written, directory);
  if (problem === undefined) return path.resolve(directory, written);
  throw new ConfigError('XGI_CONFIG_VALUE', `${where}: ${describeNoModule(written, problem)}`);
}

/** For one that is named without options. */
function defaultsOf(name: ReadyName, where: string): unknown {
  const checked = checkValue(READY_MIDDLEWARE[name], {});
  if (checked.issue === undefined) return checked.data;
  const { path: at, message } = checked.issue;
  throw new ConfigError(
    'XGI_CONFIG_VALUE',
    `${where}: ${name} needs options: expected ${message}${at.length === 0 ? '' : ` as ${at.join('.')}`}, received none`,
  );
}

/** Functions, in options too, stay in the process that has read the file. */
function checkPlain(entry: MiddlewareEntry): void {
  try {
    // As the channel to them does it.
    serialize(entry);
  } catch {
    throw new ConfigError(
      'XGI_CONFIG_VALUE',
      `${entry.where}: a function cannot be given to several gateways; write it into a module, which is named here: ./tenant.ts`,
    );
  }
}

function onlyEntry(item: Readonly<Record<string, unknown>>, where: string): readonly [string, unknown] {
  const entries = Object.entries(item).filter(([, options]) => options !== undefined);
  if (entries.length === 1) return entries[0]!;
  throw new ConfigError(
    'XGI_CONFIG_VALUE',
    `${where}: expected one middleware and its options in each item of the list, received ${entries.map(([name]) => name).join(' and ') || 'none'}`,
  );
}

function resolvePython(
  target: string,
  options: unknown,
  { where, takesPython }: MiddlewareContext & { readonly where: string },
): PythonMiddleware {
  if (!takesPython)
    throw new ConfigError(
      'XGI_CONFIG_VALUE',
      `${where}: ${target} is WSGI middleware, and goes around a WSGI application; write it into the middleware of one`,
    );
  if (options === undefined || options === null) return { where, target, options: {} };
  if (isPlainObject(options) && isJson(options)) return { where, target, options };
  throw new ConfigError(
    'XGI_CONFIG_VALUE',
    `${where}: expected the keyword arguments of ${target} as an object of what JSON has, received ${inspect(hideSecrets(z.unknown(), options), { breakLength: Number.POSITIVE_INFINITY })}`,
  );
}

/** Python gets them as JSON, which would leave out a function, say, without a word. */
function isJson(value: unknown, levels = MAX_LEVELS): boolean {
  // An alias of YAML, say, may be a part of itself.
  if (levels === 0) return false;
  if (Array.isArray(value)) return value.every((item) => isJson(item, levels - 1));
  if (isPlainObject(value)) return Object.values(value).every((item) => isJson(item, levels - 1));
  return value === null || ['string', 'boolean'].includes(typeof value) || Number.isFinite(value);
}

function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

function unknown(name: string, where: string): ConfigError {
  const near = findNear(name, Object.keys(READY_MIDDLEWARE));
  return new ConfigError(
    'XGI_CONFIG_VALUE',
    `${where}: there is no middleware ${JSON.stringify(name)}${near === undefined ? `; expected ${FORM}` : `; did you mean ${near}?`}`,
  );
}
