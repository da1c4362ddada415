/** Static files: the handler, and nothing that runs beside it. */
import type { StaticConfig } from '../config/static.js';
import { ConfigError } from '../errors.js';
import { toText } from '../gateway/byte-text.js';
import { createStaticHandler, createStaticMiddleware } from '../handlers/static/static.js';
import type { Handler, Middleware } from '../types.js';
import type { PoolStatus } from '../workers/status.js';
import type { Application } from './application.js';
import { NO_WORKERS } from './no-workers.js';
import type { ReloadOutcome } from './status.js';

export class StaticApplication implements Application {
  readonly handler: Handler;
  readonly middleware: Middleware;

  constructor(files: StaticConfig) {
    this.handler = createStaticHandler(files);
    this.middleware = createStaticMiddleware(files);
  }

  prepare(): Promise<void> {
    return Promise.resolve();
  }

  start(): Promise<void> {
    return Promise.resolve();
  }

  /** Changed files are seen without. */
  reload(): Promise<ReloadOutcome> {
    return Promise.resolve({ ok: true });
  }

  scale(): void {
    throw new ConfigError(
      'XGI_CONFIG_VALUE',
      'static files have no workers; more processes are started with --gateways, at the start',
    );
  }

  status(): PoolStatus {
    return NO_WORKERS;
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }
}

/** `/srv/public at /` */
export function describeFiles({ root, mount }: StaticConfig): string {
  return `${toText(root)} at ${mount}/`;
}
