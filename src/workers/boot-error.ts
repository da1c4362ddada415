/** What a failed start of the application means for the person at the shell: one line that says what to do. */
import { BootError } from '../errors.js';
import type { WorkerFailure } from '../wire/frames.js';

export interface BootContext {
  readonly python: string;
  readonly target: string;
  readonly cwd: string;
}

/** @returns an error whose message is the line, and whose detail is the traceback */
export function bootError(failure: WorkerFailure, context: BootContext): BootError {
  const { python, target, cwd } = context;
  const hint = failure.hint ?? 'raised';
  const colon = hint.indexOf(':');
  const kind = colon === -1 ? hint : hint.slice(0, colon);
  const subject = colon === -1 ? '' : hint.slice(colon + 1);
  const options = { detail: failure.traceback };
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
            `the module ${subject} is not installed for ${python}; install it there, or choose another interpreter with --python PATH or VIRTUAL_ENV`,
            options,
          );
    case 'missing-attribute':
      return new BootError(
        'XGI_APP_NO_CALLABLE',
        `${failure.message}; name the callable: module:callable`,
        options,
      );
    case 'missing-file':
      return new BootError(
        'XGI_APP_NOT_FOUND',
        `there is no file ${subject}; check the path, or use --chdir (now ${cwd})`,
        options,
      );
    case 'not-callable':
      return new BootError(
        'XGI_APP_NOT_CALLABLE',
        `${failure.message}; name a WSGI callable: module:callable`,
        options,
      );
    case 'factory-failed':
      return new BootError(
        'XGI_APP_FACTORY',
        `the factory of ${target} raised ${failure.class}: ${failure.message}`,
        options,
      );
    default:
      return new BootError(
        'XGI_APP_RAISED',
        `${target} raised ${failure.class} while it was imported: ${failure.message}`,
        options,
      );
  }
}
