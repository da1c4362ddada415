/** A gateway in this process: the server, and the application behind it. */
import type { ResolvedConfig } from '../config/resolve.js';
import { parseTrustedProxies } from '../http/forwarded.js';
import { reopenLogFiles } from '../observe/log-file.js';
import type { Privileges } from '../process/privileges.js';
import { countRequests } from '../server/exchange.js';
import { Server } from '../server/server.js';
import type { TlsMaterial } from '../server/tls/material.js';
import type { Endpoint, Handler, WorkerRange } from '../types.js';
import { type Application, createApplication, type ServiceLog } from './application.js';
import type { Inheritance } from './child-task.js';
import type { Gateway } from './gateway.js';
import { SiteApplication } from './site-application.js';
import type { GatewayStatus, ReloadOutcome } from './status.js';

export interface LocalGatewayOptions {
  readonly config: ResolvedConfig;
  /** Which of the gateways it is; 0 is the first. */
  readonly index: number;
  readonly version: string;
  /** Who this process is, or will be. */
  readonly privileges: Privileges;
  readonly log: ServiceLog;
  /** Called with the files that the application imports, if changes are to be seen. */
  readonly onFiles: (paths: readonly string[]) => void;
  /** Called if the application cannot go on without being started again. */
  readonly onLost: () => void;
  /** There is a configuration file, which a reload reads again. */
  readonly canChange: boolean;
}

/** What a worker without requests needs to leave by itself, when the connections took the whole grace period. */
const WORKER_EXIT_MS = 500;

export class LocalGateway implements Gateway {
  readonly #options: LocalGatewayOptions;
  readonly #server: Server;
  readonly #application: Application;
  #endpoints: readonly Endpoint[] = [];

  constructor(options: LocalGatewayOptions) {
    this.#options = options;
    const { config, log } = options;
    this.#application = createApplication(options);
    this.#server = new Server({
      handler: this.#application.handler,
      tellsDetails: config.dev,
      limits: config.limits,
      deadlines: config.deadlines,
      trustedProxies: parseTrustedProxies(config.trustedProxies),
      proxyProtocol: config.proxyProtocol === null ? null : parseTrustedProxies(config.proxyProtocol),
      hstsSeconds: config.tls?.hstsSeconds ?? 0,
      log,
    });
  }

  /** What it serves, without the server. */
  get handler(): Handler {
    return this.#application.handler;
  }

  /** The listening sockets for other processes: descriptors, and what they stand for. */
  get inheritance(): Inheritance {
    return { fds: this.#server.sockets, endpoints: this.#endpoints };
  }

  /** TLS, for what is listened on from now on, or with other certificates than before. */
  secure(material: TlsMaterial): void {
    this.#server.secure(material);
  }

  async listen(endpoints: readonly Endpoint[]): Promise<readonly string[]> {
    const urls: string[] = [];
    this.#endpoints = endpoints;
    for (const endpoint of endpoints) {
      const { url } = await this.#server.listen(endpoint, { backlog: this.#options.config.backlog });
      urls.push(url);
    }
    return urls;
  }

  /** Does what only root can do. */
  prepare(): Promise<void> {
    return this.#application.prepare();
  }

  start(): Promise<void> {
    return this.#application.start();
  }

  async stage(config: ResolvedConfig): Promise<void> {
    await this.#site?.stage(config);
  }

  reload(): Promise<ReloadOutcome> {
    return this.#application.reload();
  }

  apply(): void {
    this.#site?.apply();
  }

  discard(): void {
    this.#site?.discard();
  }

  scale(workers: WorkerRange, application?: string): void {
    this.#application.scale(workers, application);
  }

  status(): Promise<GatewayStatus> {
    return Promise.resolve({
      pid: process.pid,
      connections: this.#server.connections,
      requests: countRequests(),
      ...this.#application.status(),
    });
  }

  reopenLogs(): void {
    reopenLogFiles();
  }

  async stop(graceMs: number, handedOver: boolean): Promise<void> {
    const endMs = performance.now() + graceMs;
    await this.#server.shutdown(graceMs, { handedOver });
    await this.#application.stop(graceMs === 0 ? 0 : Math.max(endMs - performance.now(), WORKER_EXIT_MS));
  }

  /** Undefined if its configuration cannot change. */
  get #site(): SiteApplication | undefined {
    return this.#application instanceof SiteApplication ? this.#application : undefined;
  }

  /** Ends the workers now, whatever a `stop` is waiting for. */
  async kill(): Promise<void> {
    await this.#application.stop(0);
  }
}
