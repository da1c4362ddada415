/** Static files: the handler, and nothing that runs beside it. */
import type { StaticConfig } from '../config/static.js';
import { ConfigError } from '../errors.js';
import { toText } from '../gateway/byte-text.js';
import { createStaticHandler } from '../handlers/static/static.js';
import type { Handler } from '../types.js';
import type { PoolStatus } from '../workers/status.js';
import type { Application } from './application.js';
import type { ReloadOutcome } from './status.js';

/** What there is to be told of workers, where there are none. */
const STATUS: PoolStatus = {
  generation: 1,
  queue: { waiting: 0, oldestMs: 0 },
  bootFailure: null,
  workers: [],
  totals: {
    requests: 0,
    timeouts: 0,
    queueTimeouts: 0,
    died: 0,
    booted: 0,
    crashed: 0,
    recycled: 0,
  },
};

export class StaticApplication implements Application {
  readonly handler: Handler;

  constructor(files: StaticConfig) {
    this.handler = createStaticHandler(files);
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
    return STATUS;
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }
}

/** `/srv/public at /` */
export function describeFiles({ root, mount }: StaticConfig): string {
  return `${toText(root)} at ${mount}/`;
}
