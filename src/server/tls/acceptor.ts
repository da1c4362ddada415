/**
 * Makes TLS sockets of accepted ones: TLS 1.2 and later, with Node's choice of ciphers, session tickets, SNI and ALPN.
 *
 * Whoever replaces the certificates changes nothing for a handshake that has begun, or for connections that are open.
 */
import { createHash } from 'node:crypto';
import type { Socket } from 'node:net';
import { createSecureContext, createServer, type SecureContext, type Server, type TLSSocket } from 'node:tls';
import type { TlsSession } from '../../types.js';
import type { Certificate } from './certificate.js';
import type { TlsMaterial } from './material.js';
import { ServerNames } from './server-names.js';
import { sessionOf } from './tls-session.js';

/** What becomes of a handshake; one of the two is called, once. */
export interface HandshakeListener {
  /** @param session what is known of the client, or why it is not served */
  secured(socket: TLSSocket, session: TlsSession | string): void;
  failed(error: NodeJS.ErrnoException): void;
}

/** The protocols that are spoken, the preferred one first (RFC 7301). A client that names none of them gets no connection: curl names HTTP/1.0, if told to. */
const PROTOCOLS = ['h2', 'http/1.1', 'http/1.0'];

export class TlsAcceptor {
  #server: Server;
  readonly #handshakes = new WeakMap<Socket, HandshakeListener>();

  constructor(material: TlsMaterial) {
    this.#server = this.#createServer(material);
  }

  /** For connections from now on. */
  replace(material: TlsMaterial): void {
    this.#server = this.#createServer(material);
  }

  /** @param socket paused; it is the TLS socket's from now on, and destroying it ends the handshake */
  accept(socket: Socket, listener: HandshakeListener): void {
    this.#handshakes.set(socket, listener);
    this.#server.emit('connection', socket);
  }

  /** It never listens: each connection is given to it. */
  #createServer(material: TlsMaterial): Server {
    const [first, ...others] = material.certificates;
    const names = new ServerNames<SecureContext>();
    // By names too, so that those of the first certificate win over a wildcard of another.
    const shared = sharedOptions(material);
    names.add(first!.names, contextOf(first!, shared));
    for (const certificate of others) names.add(certificate.names, contextOf(certificate, shared));
    const server = createServer({
      cert: first!.cert,
      key: first!.key,
      ...shared,
      requestCert: material.clientCertificates !== 'none',
      // Whoever has none, or not the right one, is told so in an answer: a connection that is closed tells nothing.
      rejectUnauthorized: false,
      ALPNProtocols: PROTOCOLS,
      SNICallback: (name, done) => done(null, names.find(name)),
    });
    server.on('secureConnection', (socket) => {
      const session = sessionOf(socket, material.clientCertificates);
      this.#handshakes.get(carrierOf(socket))?.secured(socket, session);
    });
    server.on('tlsClientError', (error, socket) => this.#handshakes.get(carrierOf(socket))?.failed(error));
    return server;
  }
}

/** The socket below. */
function carrierOf(socket: TLSSocket): Socket {
  return (socket as unknown as { _parent: Socket })._parent;
}

function contextOf({ cert, key }: Certificate, shared: ReturnType<typeof sharedOptions>): SecureContext {
  return createSecureContext({ cert, key, ...shared });
}

function sharedOptions({ authorities, clientCertificates, ticketKeys }: TlsMaterial) {
  return {
    ...(authorities === null ? {} : { ca: authorities }),
    minVersion: 'TLSv1.2',
    ticketKeys: Buffer.from(ticketKeys, 'base64'),
    // A session is not gone on with when other authorities count than at its beginning.
    sessionIdContext: createHash('sha256')
      .update(`${clientCertificates}\n${authorities}`)
      .digest('base64')
      .slice(0, 32),
  } as const;
}
