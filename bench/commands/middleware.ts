/** A hello behind five middleware: against the same without, and against nginx with `auth_basic` and a log in front of uWSGI. */
import type { Environment } from '../environment/environment.js';
import type { Options } from '../options.js';
import { compareApplications, reportApplications } from './applications.js';

export async function measureMiddleware(options: Options, environment: Environment): Promise<boolean> {
  return reportApplications(options, environment, await compareApplications(options, environment));
}
