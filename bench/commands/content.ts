/** What middleware makes of answers: compression against nginx, and a page from the cache against a static file of its size. */
import { cacheContenders, compressionContenders } from '../contenders/static/catalog.js';
import type { StaticContender } from '../contenders/static/static-contender.js';
import type { WebEnvironment } from '../environment/web-environment.js';
import { wrkClient } from '../load/wrk.js';
import type { WebOptions } from '../web-options.js';
import { compareStatic } from './static-comparison.js';

type Measurement = (options: WebOptions, environment: WebEnvironment) => Promise<boolean>;

export const measureCompression = measurementOf(compressionContenders);
export const measureCache = measurementOf(cacheContenders);

function measurementOf(contenders: readonly StaticContender[]): Measurement {
  return (options, environment) =>
    compareStatic({ options, environment, client: wrkClient(environment.wrk), contenders });
}
