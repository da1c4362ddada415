/** TypeScript applications: in the fetch style against Hono's adapter for Node, in the shape of WSGI against a file of the same content. */
import { appContenders } from '../contenders/static/catalog.js';
import type { WebEnvironment } from '../environment/web-environment.js';
import { wrkClient } from '../load/wrk.js';
import type { WebOptions } from '../web-options.js';
import { compareStatic } from './static-comparison.js';

export function measureApp(options: WebOptions, environment: WebEnvironment): Promise<boolean> {
  const client = wrkClient(environment.wrk);
  return compareStatic({ options, environment, client, contenders: appContenders });
}
