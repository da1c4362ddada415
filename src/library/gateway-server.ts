/**
 * A server for programs: what the command `xgi` is made of, without what concerns the process (signals, users, pid file, control socket).
 *
 * Life: `listen`, or `start`, or the first `fetch`; then requests; then `close`, for good.
 */
import { createFetch, type FetchHandler, type FetchPeer } from '../adapters/fetch.js';
import type { ResolvedConfig } from '../config/resolve.js';
import type { UserConfig } from '../config/schema.js';
import { ConfigError, GatewayError } from '../errors.js';
import { formatReceived } from '../errors/received.js';
import { parseTrustedProxies } from '../http/forwarded.js';
import type { AccessLog } from '../observe/access-log.js';
import type { LocalGateway } from '../service/local-gateway.js';
import type { GatewayRequest, Handler, Log } from '../types.js';
import type { ApplicationHandler } from './application-handler.js';
import { openLog } from './log.js';
import type { ServerSettings } from './options.js';

/** The caller is in this process. */
const LOOPBACK = '127.0.0.1';
const LOG_CLOSE_MS = 1000;
const NAME = 'createServer()';

/** Makes a server of a handler, or of settings as a configuration file has them. Starts nothing. @throws ConfigError of what is neither */
export function createServer(served: Handler | ServerSettings): GatewayServer {
  // Not all callers have types.
  if (typeof served !== 'function' && (typeof served !== 'object' || served === null))
    throw new ConfigError(
      'XGI_CONFIG_VALUE',
      `${NAME}: expected a handler, or settings, received ${formatReceived(served)}`,
    );
  return new GatewayServer(typeof served === 'function' ? { handler: served } : served);
}

interface Parts {
  readonly config: ResolvedConfig;
  readonly accessLog: AccessLog | undefined;
  readonly gateway: LocalGateway;
  readonly fetch: FetchHandler;
}

/** A server with all that it serves; {@link createServer} makes it. Whoever made it closes it. */
export class GatewayServer {
  /** All that it serves, to be mounted elsewhere. */
  readonly handler: Handler = async (request: GatewayRequest) => {
    const { gateway } = await this.#begin();
    return await gateway.handler(request);
  };
  readonly #settings: ServerSettings;
  readonly #handlers: readonly ApplicationHandler[];
  #parts: Promise<Parts> | undefined;
  #started: Promise<Parts> | undefined;
  #closing: Promise<void> | undefined;

  constructor(settings: ServerSettings) {
    this.#settings = settings;
    const { handler, routes = [] } = settings;
    // Of those that have a life of their own.
    this.#handlers = [...new Set([handler, ...routes.map((route) => route.handler)])].filter(
      (given): given is ApplicationHandler => typeof given === 'function' && 'close' in given,
    );
  }

  /**
   * Listens on `bind`, and starts what is served. What comes meanwhile waits.
   *
   * @returns the URLs, in the order of `bind`
   * @throws ConfigError, ListenError, BootError; nothing is left running then
   */
  async listen(): Promise<readonly string[]> {
    const { config, gateway } = await this.#open();
    try {
      const urls = await gateway.listen(config.endpoints);
      await this.#begin();
      return urls;
    } catch (error) {
      await this.close(0);
      throw error;
    }
  }

  /** Starts what is served, without listening. @throws ConfigError, BootError */
  async start(): Promise<void> {
    await this.#begin();
  }

  /**
   * Answers a request without a port, as if it had come from this machine: for tests.
   *
   * @param peer whom it is from; default 127.0.0.1
   */
  async fetch(request: Request, peer?: FetchPeer): Promise<Response> {
    const { fetch } = await this.#begin();
    return await fetch(request, peer);
  }

  /**
   * Stops listening, finishes what is under way, then stops what is served.
   *
   * @param graceMs default: `gracefulTimeout`
   */
  close(graceMs?: number): Promise<void> {
    this.#closing ??= this.#close(graceMs);
    return this.#closing;
  }

  #open(): Promise<Parts> {
    if (this.#closing !== undefined)
      return Promise.reject(
        new GatewayError(503, 'XGI_STOPPING', `${NAME}: it has been closed; make another`),
      );
    this.#parts ??= this.#create();
    return this.#parts;
  }

  #begin(): Promise<Parts> {
    if (this.#closing !== undefined) return this.#open();
    this.#started ??= this.#start();
    return this.#started;
  }

  async #create(): Promise<Parts> {
    const { LocalGateway } = await import('../service/local-gateway.js');
    const { loadTls } = await import('../service/tls.js');
    const { readVersion } = await import('../service/version.js');
    const { resolveSettings, UNCHANGED } = await import('./configuration.js');
    const { log: _, handler, ...settings } = this.#settings;
    const user: UserConfig = handler === undefined ? settings : { ...settings, routes: [{ handler }] };
    const config = await resolveSettings(user, NAME);
    const log = openLog(this.#settings);
    const accessLog = await openAccessLogOf(config, log);
    const gateway = new LocalGateway({
      config,
      index: 0,
      version: readVersion(),
      privileges: UNCHANGED,
      log,
      onFiles: () => {},
      canChange: false,
      onLost: () => log.error(`${NAME}: programs of another user cannot be run any more; start it again`),
    });
    if (config.tls !== null) gateway.secure(await loadTls(config.tls, log));
    const fetch = createFetch(
      gateway.handler,
      {
        mount: '',
        trustedProxies: parseTrustedProxies(config.trustedProxies),
        maxBodyBytes: config.limits.maxBodyBytes,
        tellsDetails: config.dev,
        log,
      },
      LOOPBACK,
    );
    return { config, accessLog, gateway, fetch };
  }

  async #start(): Promise<Parts> {
    const parts = await this.#open();
    await Promise.all(this.#handlers.map((handler) => handler.start()));
    await parts.gateway.prepare();
    await parts.gateway.start();
    return parts;
  }

  async #close(graceMs: number | undefined): Promise<void> {
    const parts = await this.#parts?.catch(() => undefined);
    await this.#started?.catch(() => {});
    if (parts !== undefined) await parts.gateway.stop(graceMs ?? parts.config.gracefulTimeoutMs, false);
    await Promise.all(this.#handlers.map((handler) => handler.close()));
    await parts?.accessLog?.close(LOG_CLOSE_MS);
  }
}

async function openAccessLogOf(config: ResolvedConfig, log: Log): Promise<AccessLog | undefined> {
  if (config.accessLog.file === null) return undefined;
  const { openAccessLog } = await import('../service/access-log.js');
  const { compileAccessLogFormat } = await import('../observe/access-log-format.js');
  return openAccessLog(config, compileAccessLogFormat(config.accessLog.format), log);
}
