/**
 * A gateway in a process of its own: started with our own command line and our listening sockets, and steered by calls
 * (gateway-child.ts is the other end). When its channel closes, it stops by itself.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import type { ResolvedConfig } from '../config/resolve.js';
import type { TlsMaterial } from '../server/tls/material.js';
import type { Endpoint, WorkerRange } from '../types.js';
import { Calls } from './calls.js';
import { CHILD_ENVIRONMENT, shared, type ChildTask, type Inheritance } from './child-task.js';
import type { Gateway } from './gateway.js';
import type { GatewayStatus, ReloadOutcome } from './status.js';

export interface GatewayProcessOptions {
  readonly task: ChildTask;
  readonly inheritance: Inheritance;
  /** Of the process that the user has started. */
  readonly env: Readonly<NodeJS.ProcessEnv>;
  readonly cwd: string;
  readonly onFiles: (paths: readonly string[]) => void;
  /** Called once, with how the process ended. */
  readonly onExit: (status: string) => void;
}

/** After the grace period: for its last connections, workers and logs. One that takes longer hangs. */
const EXIT_MS = 5000;

export class GatewayProcess implements Gateway {
  readonly #process: ChildProcess;
  readonly #calls: Calls;
  readonly #endpoints: readonly Endpoint[];
  readonly #ended: Promise<void>;
  readonly #begun: Promise<unknown>;
  #hasEnded = false;

  constructor(options: GatewayProcessOptions) {
    const { task, env, cwd, inheritance, onFiles, onExit } = options;
    this.#endpoints = shared(inheritance);
    this.#process = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
      cwd,
      env: { ...env, ...CHILD_ENVIRONMENT },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc', ...inheritance.fds],
      // With maps and sets.
      serialization: 'advanced',
    });
    this.#calls = new Calls(this.#process, { files: onFiles as (...args: never[]) => unknown });
    this.#begun = this.#calls.call('begin', task);
    this.#begun.catch(() => {});
    this.#ended = new Promise((resolve) => {
      const end = (status: string): void => {
        if (this.#hasEnded) return;
        this.#hasEnded = true;
        this.#calls.close(status);
        resolve();
        onExit(status);
      };
      this.#process.on('error', (error) => end(error.message));
      this.#process.on('exit', (code, signal) => end(signal ?? `status ${code}`));
    });
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  async secure(material: TlsMaterial): Promise<void> {
    await this.#begun;
    await this.#calls.call('secure', material);
  }

  /** On the sockets that it was started with, whatever it is told. */
  async listen(): Promise<readonly string[]> {
    await this.#begun;
    return (await this.#calls.call('listen', this.#endpoints)) as readonly string[];
  }

  async start(): Promise<void> {
    await this.#begun;
    await this.#calls.call('start');
  }

  async stage(config: ResolvedConfig): Promise<void> {
    await this.#calls.call('stage', config);
  }

  async reload(): Promise<ReloadOutcome> {
    return (await this.#calls.call('reload')) as ReloadOutcome;
  }

  async apply(): Promise<void> {
    await this.#calls.call('apply');
  }

  discard(): void {
    this.#calls.call('discard').catch(() => {});
  }

  scale(workers: WorkerRange, application?: string): void {
    this.#calls.call('scale', workers, application).catch(() => {});
  }

  async status(): Promise<GatewayStatus> {
    return (await this.#calls.call('status')) as GatewayStatus;
  }

  reopenLogs(): void {
    this.#calls.call('reopenLogs').catch(() => {});
  }

  /** Resolves when the process is gone; kills it if it does not go. */
  async stop(graceMs: number, handedOver: boolean): Promise<void> {
    if (this.#hasEnded) return;
    this.#calls.call('stop', graceMs, handedOver).catch(() => {});
    const timer = setTimeout(() => this.kill(), graceMs + EXIT_MS);
    await this.#ended;
    clearTimeout(timer);
  }

  kill(): void {
    if (!this.#hasEnded) this.#process.kill('SIGKILL');
  }
}
