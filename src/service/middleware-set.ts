/** All middleware of a configuration: loaded, put in front of handlers, and let go of. */
import path from 'node:path';
import type { MiddlewareEntry } from '../config/middleware.js';
import type { ResolvedConfig } from '../config/resolve.js';
import type { SiteConfig } from '../config/site.js';
import { formatModuleFailure } from '../config/module-failure.js';
import { BootError } from '../errors.js';
import { misfit } from '../http/answer-check.js';
import { changeAnswer } from '../middleware/answer.js';
import type { Handler, Log, Middleware } from '../types.js';
import { acceptAnswer } from './accept-answer.js';
import { holdAnswers } from './held-answer.js';
import { loadModule } from './load-module.js';
import { createReadyMiddleware } from './ready-middleware.js';

/** How many a message names. */
const MAX_KEYS = 5;

export class MiddlewareSet {
  readonly #loaded = new Map<MiddlewareEntry, Middleware>();
  #closing: Promise<unknown> | undefined;

  /**
   * Those of the server, of its applications and of its routes.
   *
   * @throws BootError `XGI_MIDDLEWARE_LOAD`, ConfigError; what has been loaded by then is let go of
   */
  static async load(config: ResolvedConfig, site: SiteConfig, log: Log): Promise<MiddlewareSet> {
    const set = new MiddlewareSet();
    const apps = [...site.apps.values()].filter((app) => app !== config);
    const lists = [config, ...apps, ...site.routes].map(({ middleware }) => middleware);
    try {
      // One after the other: the error is that of the first. One that is part of several routes is loaded once.
      for (const entry of new Set(lists.flat()))
        set.#loaded.set(entry, await load(entry, { directory: config.directory, log }));
      return set;
    } catch (error) {
      await set.close();
      throw error;
    }
  }

  get isEmpty(): boolean {
    return this.#loaded.size === 0;
  }

  /** @param entries the first is the outermost. @throws BootError `XGI_MIDDLEWARE_LOAD` */
  wrap(entries: readonly MiddlewareEntry[], handler: Handler): Handler {
    if (entries.length === 0) return handler;
    return entries.reduceRight<Handler>((next, entry) => {
      const wrapped = wrapOne(entry, this.#loaded.get(entry)!, next);
      if (typeof wrapped === 'function')
        return entry.kind === 'ready' ? (wrapped as Handler) : checked(entry, wrapped as Handler);
      throw failure(
        entry,
        `called with the next handler, ${subject(entry)} returned ${describe(wrapped)}; expected a handler, as of (next) => (request) => …`,
      );
    }, holdAnswers(handler));
  }

  /** Once, however often it is called. */
  async close(): Promise<void> {
    this.#closing ??= Promise.allSettled(
      [...this.#loaded.values()].map(async (middleware) => await middleware.close?.()),
    );
    await this.#closing;
  }
}

interface LoadContext {
  readonly directory: string;
  readonly log: Log;
}

async function load(entry: MiddlewareEntry, context: LoadContext): Promise<Middleware> {
  switch (entry.kind) {
    case 'function':
      return entry.middleware;
    case 'ready':
      return await createReadyMiddleware(entry.name, entry.options, {
        ...context,
        where: `${entry.where}.${entry.name}`,
        nameOf: (...at) => nameIn(entry, at.join('.')),
      });
    case 'module':
      return await loadOwn(entry);
  }
}

function nameIn(
  { where, name, names }: MiddlewareEntry & { readonly kind: 'ready' },
  option: string,
): string {
  return names[option] ?? `${where}.${name}.${option}`;
}

/** A module's default export is middleware; or, if options are given, a function that makes one of them. */
async function loadOwn(entry: MiddlewareEntry & { readonly kind: 'module' }): Promise<Middleware> {
  let exported: unknown;
  try {
    exported = await loadModule(entry.path);
  } catch (error) {
    const { message, detail } = formatModuleFailure(error);
    throw failure(entry, `${path.basename(entry.path)} cannot be loaded: ${message}`, { detail });
  }
  if (typeof exported !== 'function')
    throw failure(
      entry,
      `expected ${path.basename(entry.path)} to export a function by default, (next) => (request) => …; ${exported === undefined ? 'it has no default export' : `it exports ${describe(exported)}`}`,
    );
  if (entry.options === undefined) return exported as Middleware;
  let made: unknown;
  try {
    made = await exported(entry.options);
  } catch (error) {
    throw thrown(entry, error);
  }
  if (typeof made === 'function') return made as Middleware;
  throw failure(
    entry,
    `called with its options, ${subject(entry)} returned ${describe(made)}; expected middleware`,
  );
}

function wrapOne(entry: MiddlewareEntry, middleware: Middleware, next: Handler): unknown {
  try {
    return middleware(next);
  } catch (error) {
    throw thrown(entry, error);
  }
}

/** Middleware in front would stumble over what is no answer, as if that were at fault. */
function checked(entry: MiddlewareEntry, handler: Handler): Handler {
  const who = `${entry.where}: ${subject(entry)}`;
  // It was taken for middleware, and has made one of the next handler.
  const isMaker = (answer: unknown): boolean =>
    typeof answer === 'function' && entry.kind === 'module' && entry.options === undefined;
  return (request) =>
    changeAnswer(handler(request), (answer) => {
      if (isMaker(answer))
        throw misfit(
          `${who} has answered with a function; if it makes middleware, give it its options, or {}`,
        );
      return acceptAnswer(answer, who);
    });
}

function thrown(entry: MiddlewareEntry, error: unknown): BootError {
  const { message, detail } = formatModuleFailure(error);
  return failure(entry, `${subject(entry)} threw: ${message}`, { detail });
}

/** How a message speaks of it, behind the place in the file. */
function subject(entry: MiddlewareEntry): string {
  return entry.kind === 'module' ? path.basename(entry.path) : 'it';
}

function failure(
  { where }: MiddlewareEntry,
  observed: string,
  { detail }: { readonly detail?: string | undefined } = {},
): BootError {
  return new BootError(
    'XGI_MIDDLEWARE_LOAD',
    `${where}: ${observed}`,
    detail === undefined ? {} : { detail },
  );
}

function describe(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (value instanceof Promise) return 'a promise';
  if (typeof value !== 'object') return `a value of type ${typeof value}`;
  // What a module exports by name, if it has no default export.
  const keys = Object.keys(value).slice(0, MAX_KEYS);
  return keys.length === 0 ? 'an object' : `an object with ${keys.join(', ')}`;
}
