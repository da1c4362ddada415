/** Every contender of the benchmarks of static files, in the order of the tables. */
import { apacheStatic } from './apache.js';
import { honoNode, xgiFetch, xgiFile, xgiThread, xgiWsgiShape } from './applications.js';
import { caddyStatic } from './caddy.js';
import { nginxGzip, nginxStatic } from './nginx.js';
import type { StaticContender } from './static-contender.js';
import { xgiCached, xgiGzip, xgiGzipGateways, xgiUncached } from './xgi-middleware.js';
import { xgiOneRoute, xgiThousandRoutes } from './xgi-routes.js';
import { xgiStatic, xgiStaticGateways } from './xgi.js';

export const staticContenders: readonly StaticContender[] = [
  xgiStatic,
  xgiStaticGateways,
  nginxStatic,
  caddyStatic,
  apacheStatic,
];

/** Those that can be asked for HTTP/2. */
export const http2Contenders: readonly StaticContender[] = [xgiStatic, xgiStaticGateways, nginxStatic];

/** TypeScript applications, and what they are compared with. */
export const appContenders: readonly StaticContender[] = [
  xgiFetch,
  xgiThread,
  xgiWsgiShape,
  honoNode,
  xgiFile,
];

/** The same server with other configurations. */
export const routesContenders: readonly StaticContender[] = [xgiOneRoute, xgiThousandRoutes];

/** They compress what they serve. */
export const compressionContenders: readonly StaticContender[] = [xgiGzip, xgiGzipGateways, nginxGzip];

export const cacheContenders: readonly StaticContender[] = [xgiCached, xgiUncached];
