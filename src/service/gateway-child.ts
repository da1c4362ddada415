/**
 * The life of a gateway that another process has started (gateway-process.ts): it does what it is told over its channel, and
 * stops when the channel closes. Signals are for the process that started it: on Ctrl-C the terminal signals all.
 */
import { XgiError } from '../errors.js';
import type { AccessLog } from '../observe/access-log.js';
import { compileAccessLogFormat } from '../observe/access-log-format.js';
import { ProgramLog } from '../observe/program-log.js';
import { ignoreSignals } from '../process/signals.js';
import { openAccessLog } from './access-log.js';
import { type Answers, Calls, type Port } from './calls.js';
import type { ChildTask } from './child-task.js';
import { watchExit } from './exit-watch.js';
import { LocalGateway } from './local-gateway.js';
import { describeUncaught } from './uncaught.js';

/** For connections that are open when the process that started this one has died. */
const ORPHAN_GRACE_MS = 1000;
const LOG_CLOSE_MS = 1000;

/** What the process that started this one may call, once it has begun: each as in `Gateway`. */
const CALLS = [
  'secure',
  'listen',
  'start',
  'stage',
  'reload',
  'apply',
  'discard',
  'scale',
  'status',
  'reopenLogs',
] as const satisfies (keyof LocalGateway)[];

/** @returns the exit status */
export async function runGatewayChild(version: string): Promise<number> {
  ignoreSignals();
  const child = new GatewayChild(version);
  return await child.end();
}

class GatewayChild {
  readonly #version: string;
  readonly #calls: Calls;
  /** Settled with the exit status, when the gateway has stopped. The first reason to stop decides. */
  readonly #status: Promise<number>;
  #settle: (status: number) => void = () => {};
  #isStopping = false;
  #gateway: LocalGateway | undefined;
  #log: ProgramLog | undefined;
  #accessLog: AccessLog | undefined;
  #unwatchExit: () => void = () => {};

  constructor(version: string) {
    this.#version = version;
    this.#status = new Promise((resolve) => (this.#settle = resolve));
    this.#calls = new Calls(process as Port, {
      ...Object.fromEntries(CALLS.map((name) => [name, this.#answer(name)])),
      begin: (task: ChildTask) => this.#begin(task),
      stop: (graceMs: number, handedOver: boolean) => this.#stop(graceMs, handedOver, 0),
    });
    process.on('disconnect', () => this.#stop(ORPHAN_GRACE_MS, false, 1));
    // It may have died while this process was being started: nobody tells that again.
    if (!process.connected) this.#stop(0, false, 1);
  }

  async end(): Promise<number> {
    const status = await this.#status;
    this.#unwatchExit();
    await this.#accessLog?.close(LOG_CLOSE_MS);
    await this.#log?.close(LOG_CLOSE_MS);
    return status;
  }

  #begin(task: ChildTask): void {
    const { config } = task;
    if (task.version !== this.#version)
      throw new XgiError(
        'XGI_GATEWAY_START',
        `this is xgi ${this.#version}, and ${task.version} runs: send that SIGUSR2, or restart it`,
      );
    const log = new ProgramLog({ level: config.logLevel });
    this.#log = log;
    this.#accessLog = openAccessLog(config, compileAccessLogFormat(config.accessLog.format), log);
    this.#gateway = new LocalGateway({
      ...task,
      log,
      onFiles: (paths) => {
        this.#calls.call('files', paths).catch(() => {});
      },
      // Only what root has started can be lost, and that is not shared among gateways.
      onLost: () => {},
    });
    this.#unwatchExit = watchExit({ log, stops: 'this gateway stops' });
    process.on('uncaughtException', (error) => {
      log.critical(describeUncaught(error, 'this gateway stops'), { err: error });
      this.#stop(0, false, 1);
    });
  }

  #answer(name: (typeof CALLS)[number]): Answers[string] {
    return (...args) => {
      if (this.#gateway === undefined) throw new Error(`${name} before begin`);
      return (this.#gateway[name] as (...args: never[]) => unknown)(...args);
    };
  }

  #stop(graceMs: number, handedOver: boolean, status: number): void {
    if (this.#isStopping) return;
    this.#isStopping = true;
    const stopped = this.#gateway?.stop(graceMs, handedOver) ?? Promise.resolve();
    void stopped.then(() => this.#settle(status));
  }
}
