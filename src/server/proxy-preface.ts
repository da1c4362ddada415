/** A connection of a proxy, before its PROXY header has come. */
import type { Socket } from 'node:net';
import { type ProxiedEnds, readProxyHeader } from '../http/proxy-protocol.js';
import type { Peer } from '../types.js';
import { isOverdue, type OpeningContext } from './opening.js';
import type { ServedConnection } from './served-connection.js';

export interface PrefaceOptions {
  /** Paused. */
  readonly socket: Socket;
  readonly peer: Peer;
  /**
   * Called once. The socket is paused again, and what has come behind the header is in it (`readableLength`).
   *
   * @param peer of the client, or the proxy itself if the connection is its own; undefined if there is no connection any more
   */
  readonly done: (preface: ProxyPreface, peer?: Peer) => void;
}

const EMPTY = Buffer.alloc(0);

export class ProxyPreface implements ServedConnection {
  readonly isBusy = false;
  readonly #options: PrefaceOptions;
  readonly #context: OpeningContext;
  readonly #sinceMs: number = performance.now();
  readonly #receive = (chunk: Buffer): void => this.#take(chunk);
  readonly #fail = (error?: Error): void =>
    this.#end(error ?? new Error('it has ended before its PROXY header'));
  #received: Buffer = EMPTY;

  constructor(options: PrefaceOptions, context: OpeningContext) {
    this.#options = options;
    this.#context = context;
    const { socket } = options;
    socket.on('data', this.#receive).on('end', this.#fail).on('error', this.#fail).on('close', this.#fail);
    socket.resume();
  }

  check(nowMs: number): void {
    const { headMs } = this.#context.deadlines;
    if (isOverdue(this.#sinceMs, nowMs, headMs, this.#context)) this.destroy();
  }

  /** There is no request yet. */
  cutOff(): void {}

  destroy(): void {
    this.#options.socket.destroy();
  }

  #take(chunk: Buffer): void {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    try {
      const header = readProxyHeader(this.#received);
      if (header !== undefined) this.#complete(header.length, header.ends);
    } catch (error) {
      this.#end(error as Error);
    }
  }

  #complete(length: number, ends: ProxiedEnds | null): void {
    const { socket, peer, done } = this.#options;
    this.#letGo();
    socket.pause();
    if (this.#received.length > length) socket.unshift(this.#received.subarray(length));
    done(this, ends === null ? peer : { ...peer, isUnix: false, ...ends });
  }

  #end(error: Error): void {
    const { socket, peer, done } = this.#options;
    this.#letGo();
    socket.on('error', () => {});
    socket.destroy();
    const message = `XGI_PROXY_HEADER: from ${peer.remoteAddress || 'a Unix-domain socket'}: ${error.message}`;
    // A load balancer that looks whether the port is open sends nothing, every few seconds.
    if (this.#received.length === 0) this.#context.log.debug(message);
    else this.#context.log.info(message);
    done(this);
  }

  #letGo(): void {
    const { socket } = this.#options;
    socket
      .off('data', this.#receive)
      .off('end', this.#fail)
      .off('error', this.#fail)
      .off('close', this.#fail);
  }
}
