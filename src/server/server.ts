/**
 * The server: listeners, their connections, deadlines and shutdown.
 *
 * Life: `listen` for each endpoint, then requests, then `shutdown` once. Serves one handler and knows nothing of it.
 */
import type { Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import type { TrustedProxies } from '../http/forwarded.js';
import type { Endpoint, Handler, HttpDeadlines, HttpLimits, Log, Peer } from '../types.js';
import { RemoteProtocolError } from '../errors.js';
import { Connection, type ConnectionContext } from './connection.js';
import { HalfClosed } from './half-closed.js';
import { peerOf } from './peer.js';
import { Http2Connection } from './http2/connection.js';
import { ProxyPreface } from './proxy-preface.js';
import { listen, type Listener, type ListenOptions, type Listening } from './listener.js';
import type { ServedConnection } from './served-connection.js';
import { TlsAcceptor } from './tls/acceptor.js';
import { Handshake, type Secured } from './tls/handshake.js';
import type { TlsMaterial } from './tls/material.js';
import { redirectToTls, type SecureEndpoint } from './tls/redirect.js';

export interface ServerOptions {
  readonly handler: Handler;
  readonly limits: HttpLimits;
  readonly deadlines: HttpDeadlines;
  readonly trustedProxies: TrustedProxies;
  /** Who may connect, and begins with a PROXY header; null: everybody, without. Default null. */
  readonly proxyProtocol?: TrustedProxies | null;
  /** Whether clients are told what went wrong inside: for development. Default false. */
  readonly tellsDetails?: boolean;
  /** How long browsers are to use TLS only, once they have; 0 says nothing of it. Default 0. */
  readonly hstsSeconds?: number;
  readonly log: Log;
}

const MAX_SWEEP_MS = 500;
const MIN_SWEEP_MS = 10;
const DRAIN_SWEEP_MS = 50;
/** Under load there is always another connection: then some are lost, or we would never stop. */
const MAX_BACKLOG_MS = 500;
/** On shutdown an idle connection may still use this time to send the request that was on its way. */
const DRAIN_IDLE_MS = 500;
/** The same when another process goes on: nobody waits for our end, and a machine that boots a successor is a busy one. */
const HAND_OVER_IDLE_MS = 2000;

export interface ShutdownOptions {
  /** Other processes have inherited the sockets and go on accepting from them. Default false. */
  readonly handedOver?: boolean;
}

export class Server {
  readonly #context: ConnectionContext;
  readonly #proxies: TrustedProxies | null;
  readonly #listeners: Listener[] = [];
  readonly #connections = new Set<ServedConnection>();
  readonly #handler: Handler;
  readonly #redirect: Handler;
  #tls: TlsAcceptor | undefined;
  /** In the order of the `listen` calls. */
  readonly #secureEndpoints: SecureEndpoint[] = [];
  #sweep: NodeJS.Timeout;
  #warnedAtMs = -Infinity;
  /** Connections accepted so far. */
  #accepted = 0;

  constructor(options: ServerOptions) {
    this.#proxies = options.proxyProtocol ?? null;
    const { hstsSeconds = 0 } = options;
    this.#handler = options.handler;
    this.#redirect = redirectToTls(this.#secureEndpoints);
    this.#context = {
      ...options,
      tellsDetails: options.tellsDetails ?? false,
      hsts: hstsSeconds === 0 ? '' : `max-age=${hstsSeconds}`,
      drainingSinceMs: undefined,
      drainIdleMs: DRAIN_IDLE_MS,
      halfClosed: new HalfClosed(),
      closed: (connection) => this.#connections.delete(connection),
    };
    this.#sweep = this.#startSweep(sweepIntervalMs(options.deadlines));
  }

  /** Open connections. */
  get connections(): number {
    return this.#connections.size;
  }

  /**
   * The descriptors of the listening sockets in the order of the `listen` calls, for the `stdio` of a process that is to accept from
   * them, too; empty when a shutdown has begun. They stay ours.
   *
   * Numbers, because `child_process.spawn` does not take a `net.Server`: it starts the child, then throws (Node 20, 22, 24).
   */
  get sockets(): readonly number[] {
    return this.#listeners.map((listener) => listener.fd);
  }

  /**
   * TLS from now on: for TCP endpoints that are listened on from here on, and for new connections of those that have it already. A
   * Unix-domain socket stays as it is: who can connect to it is on this machine.
   */
  secure(material: TlsMaterial): void {
    if (this.#tls === undefined) this.#tls = new TlsAcceptor(material);
    else this.#tls.replace(material);
  }

  /**
   * Begins to accept on an endpoint.
   *
   * @throws ListenError `XGI_LISTEN_IN_USE`, `XGI_LISTEN_DENIED` or `XGI_LISTEN_FAILED`, naming the address
   */
  async listen(endpoint: Endpoint, options: ListenOptions = {}): Promise<Listening> {
    const handler = endpoint.redirects === true ? this.#redirect : this.#handler;
    const tls = endpoint.redirects === true ? undefined : this.#tls;
    const scheme = tls === undefined ? 'http' : 'https';
    const listener = await listen(
      endpoint,
      { scheme, ...options },
      (socket, isUnix) => this.#accept({ socket, isUnix, handler, tls: isUnix ? undefined : tls }),
      (error) => this.#context.log.warn(`XGI_LISTEN_ACCEPT: a connection was lost: ${error.message}`),
    );
    this.#listeners.push(listener);
    if (tls !== undefined && listener.address !== null) this.#secureEndpoints.push(listener.address);
    return listener;
  }

  /**
   * Stops accepting and answers what was accepted: requests under way are finished, and a request that was on its way
   * into an open connection is still answered. What is open after `graceMs` is destroyed.
   *
   * Connections that the kernel holds ready are accepted before, and the paths of Unix-domain sockets removed; both are left to the
   * other processes if the sockets are handed over.
   */
  async shutdown(graceMs: number, { handedOver = false }: ShutdownOptions = {}): Promise<void> {
    const listeners = this.#listeners.splice(0);
    if (!handedOver) {
      for (const listener of listeners) listener.removePath();
      await this.#emptyBacklog();
    }
    for (const listener of listeners) listener.close();
    // Not before: whoever is told `Connection: close` comes back at once, to a queue that is about to be reset.
    this.#context.drainingSinceMs = performance.now();
    this.#context.drainIdleMs = handedOver ? HAND_OVER_IDLE_MS : DRAIN_IDLE_MS;
    clearInterval(this.#sweep);
    this.#sweep = this.#startSweep(DRAIN_SWEEP_MS);
    const endMs = performance.now() + graceMs;
    while (this.#connections.size > 0 && performance.now() < endMs) {
      await new Promise((resolve) => setTimeout(resolve, DRAIN_SWEEP_MS / 2));
    }
    await this.#cutOff(graceMs);
    clearInterval(this.#sweep);
  }

  /** Ends what is still open: a request without an answer gets 503, a connection inside an answer is destroyed. */
  async #cutOff(graceMs: number): Promise<void> {
    const busy = [...this.#connections].filter((connection) => connection.isBusy);
    if (busy.length > 0) {
      const requests = busy.length === 1 ? '1 request' : `${busy.length} requests`;
      this.#context.log.warn(`XGI_STOPPING: ${requests} did not finish within ${graceMs / 1000} s`);
      for (const connection of busy) connection.cutOff();
      await turn();
    }
    for (const connection of this.#connections) connection.destroy();
  }

  /**
   * Connections that the kernel has accepted for us would be reset by the closing of the listener. libuv takes one in each
   * turn of the loop; the first turn may be half over.
   */
  async #emptyBacklog(): Promise<void> {
    const endMs = performance.now() + MAX_BACKLOG_MS;
    let before = -1;
    await turn();
    while (before !== this.#accepted && performance.now() < endMs) {
      before = this.#accepted;
      await turn();
    }
  }

  #accept({ socket, isUnix, handler, tls }: Arrival): void {
    this.#accepted++;
    const { limits } = this.#context;
    if (this.#connections.size >= limits.maxConnections) {
      socket.destroy();
      this.#warn(
        `XGI_HTTP_CONNECTIONS: ${limits.maxConnections} connections are open; further ones are closed`,
      );
      return;
    }
    const peer = peerOf(socket, isUnix);
    if (peer === undefined) socket.destroy();
    else if (this.#proxies === null) this.#serve({ socket, peer, handler, tls });
    else if (this.#proxies.trusts(peer.remoteAddress)) this.#awaitProxyHeader({ socket, peer, handler, tls });
    else {
      socket.destroy();
      this.#warn(
        `XGI_PROXY_PEER: a connection from ${peer.remoteAddress} is closed: with --proxy-protocol only those may connect that --proxy-allow-from names`,
      );
    }
  }

  #awaitProxyHeader(arrived: Arrived): void {
    const done = (preface: ProxyPreface, peer?: Peer): void => {
      this.#connections.delete(preface);
      if (peer !== undefined) this.#serve({ ...arrived, peer });
    };
    this.#connections.add(new ProxyPreface({ ...arrived, done }, this.#context));
  }

  #serve({ socket, peer, handler, tls }: Arrived): void {
    if (tls !== undefined) this.#shakeHands(socket, peer, tls);
    else this.#connections.add(new Connection({ accepted: socket, peer, handler }, this.#context));
  }

  #shakeHands(accepted: Socket, peer: Peer, acceptor: TlsAcceptor): void {
    const done = (handshake: Handshake, secured?: Secured): void => {
      this.#connections.delete(handshake);
      if (secured === undefined) return;
      const { socket: secure, session } = secured;
      const isRefused = typeof session === 'string';
      const handler = isRefused ? refuseClient(session) : this.#handler;
      const tls = isRefused ? { clientCertificate: undefined } : session;
      const connection = { accepted, secure, peer: { ...peer, tls }, handler };
      const Kind = secure.alpnProtocol === 'h2' ? Http2Connection : Connection;
      this.#connections.add(new Kind(connection, this.#context));
    };
    this.#connections.add(new Handshake({ socket: accepted, peer, acceptor, done }, this.#context));
  }

  /** Once a second: clients must not fill the log. */
  #warn(message: string): void {
    const nowMs = performance.now();
    if (nowMs - this.#warnedAtMs <= 1000) return;
    this.#warnedAtMs = nowMs;
    this.#context.log.warn(message);
  }

  /** One timer for all deadlines of all connections. */
  #startSweep(intervalMs: number): NodeJS.Timeout {
    const sweep = (): void => {
      const nowMs = performance.now();
      for (const connection of this.#connections) connection.check(nowMs);
    };
    // Timers come before the sockets are read: after a pause of this process, what clients have sent meanwhile is seen first.
    return setInterval(() => setImmediate(sweep), intervalMs);
  }
}

interface Arrival {
  /** Paused. */
  readonly socket: Socket;
  readonly isUnix: boolean;
  readonly handler: Handler;
  readonly tls: TlsAcceptor | undefined;
}

/** One whose ends are known. */
interface Arrived extends Omit<Arrival, 'isUnix'> {
  readonly peer: Peer;
}

/** Tells a client what is wrong with its certificate, in an answer that a person gets to see. */
function refuseClient(reason: string): Handler {
  return () => {
    throw new RemoteProtocolError(400, 'XGI_TLS_CLIENT_CERTIFICATE', reason);
  };
}

/** Often enough that no deadline is missed by more than a quarter of itself. */
function sweepIntervalMs(deadlines: HttpDeadlines): number {
  const { handshakeMs, headMs, bodyIdleMs, writeIdleMs, keepAliveMs } = deadlines;
  const shortest = Math.min(handshakeMs, headMs, bodyIdleMs, writeIdleMs, keepAliveMs || headMs);
  return Math.max(MIN_SWEEP_MS, Math.min(MAX_SWEEP_MS, shortest / 4));
}
