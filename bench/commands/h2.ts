/** Static files over HTTP/2 with TLS: xgi against nginx. */
import { http2Contenders } from '../contenders/static/catalog.js';
import { makeCertificate } from '../environment/certificate.js';
import type { WebEnvironment } from '../environment/web-environment.js';
import { h2loadClient } from '../load/h2load.js';
import type { WebOptions } from '../web-options.js';
import { compareStatic } from './static-comparison.js';

export function measureHttp2(options: WebOptions, environment: WebEnvironment): Promise<boolean> {
  return compareStatic({
    options,
    environment,
    client: h2loadClient(environment.h2load, options.streams),
    certificate: makeCertificate(environment.scratchDirectory),
    contenders: http2Contenders,
    notes: () => [
      `h2load, ${options.streams} streams at once on each connection. It tells no percentiles of latency.`,
    ],
  });
}
