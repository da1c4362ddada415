/**
 * The life of a gateway that another process has started (gateway-process.ts): it does what it is told over its channel, and
 * stops when the channel closes. Signals are for the process that started it: on Ctrl-C the terminal signals all.
 */
import type { ResolvedConfig } from '../config/resolve.js';
import type { FormatLine } from '../observe/access-log-format.js';
import { ProgramLog } from '../observe/program-log.js';
import { ignoreSignals } from '../process/signals.js';
import type { TlsMaterial } from '../server/tls/material.js';
import type { Endpoint, WorkerRange } from '../types.js';
import { openAccessLog } from './access-log.js';
import { Calls, type Port } from './calls.js';
import type { ChildTask } from './child-task.js';
import { LocalGateway } from './local-gateway.js';

export interface ChildOptions {
  readonly task: ChildTask;
  readonly config: ResolvedConfig;
  readonly formatLine: FormatLine;
  readonly version: string;
}

/** For connections that are open when the process that started this one has died. */
const ORPHAN_GRACE_MS = 1000;
const LOG_CLOSE_MS = 1000;

/** @returns the exit status */
export async function runGatewayChild({ task, config, formatLine, version }: ChildOptions): Promise<number> {
  ignoreSignals();
  const log = new ProgramLog({ level: config.logLevel });
  const accessLog = openAccessLog(config, formatLine, log);
  const gateway = new LocalGateway({
    config,
    version,
    log,
    accessLog,
    ...task,
    onFiles: (paths) => {
      calls.call('files', paths).catch(() => {});
    },
    // Only what root has started can be lost, and that is not shared among gateways.
    onLost: () => {},
  });
  const ended = new Ended(gateway);
  const calls = new Calls(process as Port, {
    secure: (material: TlsMaterial) => gateway.secure(material),
    listen: (endpoints: readonly Endpoint[]) => gateway.listen(endpoints),
    start: () => gateway.start(),
    reload: () => gateway.reload(),
    scale: (workers: WorkerRange) => gateway.scale(workers),
    status: () => gateway.status(),
    reopenLogs: () => gateway.reopenLogs(),
    stop: (graceMs: number, handedOver: boolean) => ended.begin(graceMs, handedOver, 0),
  });
  process.on('disconnect', () => ended.begin(ORPHAN_GRACE_MS, false, 1));
  // It may have died while this process was being started: nobody tells that again.
  if (!process.connected) ended.begin(0, false, 1);
  process.on('uncaughtException', (error) => {
    log.critical('nothing caught an exception: this is a bug in xgi, and this gateway stops', { err: error });
    ended.begin(0, false, 1);
  });
  const status = await ended.status;
  await accessLog?.close(LOG_CLOSE_MS);
  await log.close(LOG_CLOSE_MS);
  return status;
}

/** The first reason to stop decides. */
class Ended {
  /** The exit status, when the gateway has stopped. */
  readonly status: Promise<number>;
  readonly #gateway: LocalGateway;
  #settle: (status: number) => void = () => {};
  #begun = false;

  constructor(gateway: LocalGateway) {
    this.#gateway = gateway;
    this.status = new Promise((resolve) => (this.#settle = resolve));
  }

  begin(graceMs: number, handedOver: boolean, status: number): void {
    if (this.#begun) return;
    this.#begun = true;
    void this.#gateway.stop(graceMs, handedOver).then(() => this.#settle(status));
  }
}
