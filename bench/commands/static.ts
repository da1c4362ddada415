/** Static files over HTTP/1.1: xgi against nginx, Caddy and Apache. */
import { staticContenders } from '../contenders/static/catalog.js';
import type { WebEnvironment } from '../environment/web-environment.js';
import { wrkClient } from '../load/wrk.js';
import type { WebOptions } from '../web-options.js';
import { compareStatic } from './static-comparison.js';

export function measureStatic(options: WebOptions, environment: WebEnvironment): Promise<boolean> {
  const client = wrkClient(environment.wrk);
  return compareStatic({ options, environment, client, contenders: staticContenders });
}
