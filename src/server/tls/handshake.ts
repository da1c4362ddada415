/** A connection whose TLS handshake is under way. */
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Peer, TlsSession } from '../../types.js';
import { isOverdue, type OpeningContext } from '../opening.js';
import type { ServedConnection } from '../served-connection.js';
import type { HandshakeListener, TlsAcceptor } from './acceptor.js';

export interface HandshakeOptions {
  /** Paused. */
  readonly socket: Socket;
  readonly peer: Peer;
  readonly acceptor: TlsAcceptor;
  /** Called once, without a connection if there is none. */
  readonly done: (handshake: Handshake, secured?: Secured) => void;
}

export interface Secured {
  readonly socket: TLSSocket;
  /** What is known of the client, or why it is not served. */
  readonly session: TlsSession | string;
}

/** To somebody who has forgotten the `s`. TLS has read what was sent, so it is said to whatever that was. */
const PLAIN_HTTP_ANSWER =
  'HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n' +
  '400 Bad Request\n\nXGI_TLS_PLAIN_HTTP: this port speaks TLS, and was sent plain HTTP: use https://\n';

export class Handshake implements ServedConnection, HandshakeListener {
  readonly isBusy = false;
  readonly #options: HandshakeOptions;
  readonly #context: OpeningContext;
  readonly #sinceMs: number = performance.now();

  constructor(options: HandshakeOptions, context: OpeningContext) {
    const { socket, acceptor } = options;
    this.#options = options;
    this.#context = context;
    // A reset is told of as a failure of the handshake.
    socket.on('error', () => {});
    acceptor.accept(socket, this);
  }

  secured(socket: TLSSocket, session: TlsSession | string): void {
    this.#options.done(this, { socket, session });
  }

  failed(error: NodeJS.ErrnoException): void {
    const { socket, peer, done } = this.#options;
    if (error.code === 'ERR_SSL_HTTP_REQUEST') socket.end(PLAIN_HTTP_ANSWER, () => socket.destroy());
    else socket.destroy();
    this.#context.log.debug(`XGI_TLS_HANDSHAKE: from ${peer.remoteAddress}: ${reasonOf(error)}`);
    done(this);
  }

  check(nowMs: number): void {
    const { handshakeMs } = this.#context.deadlines;
    if (isOverdue(this.#sinceMs, nowMs, handshakeMs, this.#context)) this.destroy();
  }

  /** There is no request yet. */
  cutOff(): void {}

  destroy(): void {
    this.#options.socket.destroy();
  }
}

/** OpenSSL's messages are `8008C2…:error:0A000076:SSL routines:tls_…:no suitable signature algorithm:../deps/…:331:`. */
function reasonOf({ code, message }: NodeJS.ErrnoException): string {
  return `${/:SSL routines:[^:]*:([^:]+):/.exec(message)?.[1] ?? message} (${code ?? 'no code'})`;
}
