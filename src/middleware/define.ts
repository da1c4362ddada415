/** What the ready middleware have in common: options that are read and checked in one way, wherever they were written. */
import type { z } from 'zod/v3';
import { formatPath, type SettingPath } from '../config/file.js';
import { checkValue, describeIssue } from '../config/issue.js';
import { findNear } from '../config/near.js';
import { keysAt } from '../config/schema-walk.js';
import { hideSecrets } from '../config/secrets.js';
import { ConfigError } from '../errors.js';
import { ProgramLog } from '../observe/program-log.js';
import type { Log, Middleware } from '../types.js';

export interface MiddlewareContext {
  /** What paths in options are relative to; absolute. */
  readonly directory: string;
  readonly log: Log;
  /** How a message names the middleware: where it stands in a configuration, or its name. */
  readonly where: string;
  /** How a message names an option that only its use shows to be wrong, or an entry of it; {@link LOADED_OPTIONS} has them. */
  nameOf(...at: readonly string[]): string;
}

export interface ReadyMiddleware<S extends z.ZodTypeAny> {
  /**
   * For programs; paths are relative to the working directory, and warnings and errors go to standard error.
   *
   * @throws ConfigError `XGI_CONFIG_VALUE` for options that cannot be used
   */
  (options?: z.input<S>): Middleware;
  /** For a configuration, which has read the options. @throws ConfigError, where they turn out not to be of use */
  create(options: z.output<S>, context: MiddlewareContext): Middleware;
}

/** Of middleware that a program makes, before anybody knows what it will stand in front of. */
let ownLog: Log | undefined;

/** @param name as in a configuration */
export function defineMiddleware<S extends z.ZodTypeAny>(
  name: string,
  schema: S,
  create: ReadyMiddleware<S>['create'],
): ReadyMiddleware<S> {
  const direct = (options?: z.input<S>): Middleware => {
    const checked = checkValue(schema, options ?? {});
    const nameOf = (...at: SettingPath): string => formatPath([name, ...at]);
    if (checked.issue === undefined) {
      ownLog ??= new ProgramLog({ level: 'warning' });
      const middleware = create(checked.data, { directory: process.cwd(), log: ownLog, where: name, nameOf });
      // What `xgi routes` calls it, in a configuration that is a module.
      return Object.defineProperty(middleware, 'name', { value: name });
    }
    const { issue } = checked;
    const what =
      issue.code === 'unrecognized_keys'
        ? noOption(issue.keys, keysAt(schema, issue.path))
        : describeIssue(issue, hideSecrets(schema, options ?? {}, issue.path));
    throw new ConfigError('XGI_CONFIG_VALUE', `${nameOf(...issue.path)}: ${what}`);
  };
  return Object.assign(direct, { create });
}

function noOption(keys: readonly string[], known: readonly string[]): string {
  const near = findNear(keys[0]!, known);
  return `there is no option ${keys.join(', ')}${near === undefined ? '' : `; did you mean ${near}?`}`;
}
