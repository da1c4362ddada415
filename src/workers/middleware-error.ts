/** What WSGI middleware that cannot be put around the application means for the person at the shell. */
import { BootError } from '../errors.js';
import type { WorkerFailure } from '../wire/frames.js';
import type { ConfiguredMiddleware } from './boot-error.js';

/** @returns an error whose message is one line, and whose detail is the traceback, if there is one */
export function middlewareError(
  failure: WorkerFailure,
  { where, target }: ConfiguredMiddleware,
  python: string,
): BootError {
  const { hint = 'raised', traceback } = failure;
  const options = traceback === '' ? {} : { detail: traceback };
  return new BootError(
    'XGI_MIDDLEWARE_LOAD',
    `${where}: ${explain(failure, { hint, target, python })}`,
    options,
  );
}

function explain(
  failure: WorkerFailure,
  { hint, target, python }: { readonly hint: string; readonly target: string; readonly python: string },
): string {
  const missing = 'missing-module:';
  if (hint.startsWith(missing))
    return `${target} needs the module ${hint.slice(missing.length)}, which is not installed for ${python}; install it there, choose another interpreter, or, if it is a module of yours, add its folder with pythonpath`;
  // The worker's own refusal says what to do already.
  if (failure.traceback === '') return failure.message;
  const raised = `raised ${failure.class}${failure.message === '' ? '' : `: ${failure.message.trimEnd()}`}`;
  return hint === 'factory-failed'
    ? `${target}, called with the application and its options, ${raised}; the traceback shows where`
    : `${target} ${raised} while it was imported; the traceback shows where`;
}
