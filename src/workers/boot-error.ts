/**
 * What a failed start of the application means for the person at the shell: one line that says what to do.
 *
 * A failure without a traceback is the worker's own refusal of the target; its message says what to do already.
 */
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { BootError } from '../errors.js';
import type { WorkerFailure, WsgiMiddleware } from '../wire/frames.js';
import { middlewareError } from './middleware-error.js';
import type { FailureStatus } from './status.js';

export interface BootContext {
  readonly python: string;
  readonly target: string;
  readonly cwd: string;
  /** Default none. */
  readonly middleware?: readonly ConfiguredMiddleware[] | undefined;
}

/** WSGI middleware, the outermost first in a list. */
export interface ConfiguredMiddleware extends WsgiMiddleware {
  /** How a message names it: where it stands in the configuration. */
  readonly where: string;
}

const SHOWN = 'the traceback shows where';
const RAISED_HINT = `${SHOWN}; if a setting is missing, set it with -e NAME=VALUE`;
/** An executable file is perhaps no module at all. */
function programHint(target: string, cwd: string): string {
  const mode = target.endsWith('.py') ? statSync(resolve(cwd, target), { throwIfNoEntry: false })?.mode : 0;
  return ((mode ?? 0) & 0o111) === 0 ? '' : `; if it is a CGI program, write xgi cgi ${target}`;
}

/** No setting mends these. */
const OF_THE_CODE = new Set(['SyntaxError', 'IndentationError', 'TabError', 'NameError', 'AttributeError']);

/** @returns an error whose message is the line, and whose detail is the traceback, if there is one */
export function bootError(failure: WorkerFailure, context: BootContext): BootError {
  const { python, target, cwd, middleware = [] } = context;
  const failed = failure.middleware === undefined ? undefined : middleware[failure.middleware];
  if (failed !== undefined) return middlewareError(failure, failed, python);
  const hint = failure.hint ?? 'raised';
  const colon = hint.indexOf(':');
  const kind = colon === -1 ? hint : hint.slice(0, colon);
  const subject = colon === -1 ? '' : hint.slice(colon + 1);
  const options = failure.traceback === '' ? {} : { detail: failure.traceback };
  switch (kind) {
    case 'missing-module':
      return target.split(/[:.]/)[0] === subject.split('.')[0]
        ? new BootError(
            'XGI_APP_NOT_FOUND',
            `there is no module ${subject} in ${cwd}; check the name, or use --chdir or --pythonpath`,
            options,
          )
        : new BootError(
            'XGI_APP_MISSING_MODULE',
            `the module ${subject} is not installed for ${python}; install it there, choose another interpreter with --python PATH or VIRTUAL_ENV, or, if it is a module of yours, add its folder with --chdir or --pythonpath`,
            options,
          );
    case 'missing-attribute':
      return new BootError('XGI_APP_NO_CALLABLE', failure.message + programHint(target, cwd), options);
    case 'missing-file':
      return new BootError(
        'XGI_APP_NOT_FOUND',
        `there is no file ${subject}; check the path, or use --chdir (now ${cwd})`,
        options,
      );
    case 'not-callable':
      return new BootError('XGI_APP_NOT_CALLABLE', failure.message, options);
    case 'factory-failed':
      return new BootError(
        'XGI_APP_FACTORY',
        failure.traceback === ''
          ? failure.message
          : `the factory of ${target} raised ${failure.class}${reason(failure)}; ${RAISED_HINT}`,
        options,
      );
    case 'post-fork-failed':
      return new BootError(
        'XGI_APP_RAISED',
        `a post_fork hook of ${target} raised ${failure.class}${reason(failure)}; ${SHOWN}`,
        options,
      );
    default:
      return new BootError(
        'XGI_APP_RAISED',
        `${target} raised ${failure.class} while it was imported${reason(failure)}; ${OF_THE_CODE.has(failure.class) ? SHOWN : RAISED_HINT}`,
        options,
      );
  }
}

function reason({ message }: WorkerFailure): string {
  return message === '' ? '' : `: ${message.trimEnd()}`;
}

/** As the outside sees it. */
export function describeFailure({ code, message, detail = '' }: BootError): FailureStatus {
  return { code, message, traceback: detail };
}
