/**
 * The control socket: steers the service from outside, in HTTP/1.1 over a Unix-domain socket (docs/operate/control.md).
 *
 * Who may connect may stop the service and see what it runs, so nobody may but its user and root. Even they cannot keep it from
 * answering others, or from stopping: connections, bodies and times are limited, and each connection carries one request.
 */
import { createServer, type Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Log } from '../types.js';
import { prepareControlFolder } from './control-folder.js';
import { createControlListener, type Steered } from './control-routes.js';
import { listenPrivately } from './control-socket.js';

export type { Steered } from './control-routes.js';

export interface ControlSocket {
  /** Absolute; null if the default place could not be used. */
  readonly path: string | null;
  /** Takes no more requests, lets those that run finish for a moment, removes the file. Never rejects; may be called again. */
  close(): Promise<void>;
}

export interface ControlSocketOptions {
  /** The living process at that path is our predecessor: take its place. Default false: that is an error. */
  readonly replaceLiving?: boolean;
  /** For tests: the deadlines, in milliseconds. */
  readonly timeouts?: Partial<ControlTimeouts>;
}

export interface ControlTimeouts {
  /** For a request to arrive; 408. */
  readonly requestMs: number;
  /** The longest time in which a client takes nothing of its answer. */
  readonly idleMs: number;
  /** For {@link Steered.status}; 503. */
  readonly statusMs: number;
  /** For the answers under way when the socket is closed. */
  readonly closeMs: number;
}

const TIMEOUTS: ControlTimeouts = { requestMs: 5000, idleMs: 10_000, statusMs: 5000, closeMs: 500 };
const MAX_CONNECTIONS = 32;
const MAX_HEADER_BYTES = 8192;

/**
 * Listens at that path, or, for 'default', at one named by the process id in a folder of the user. A socket there that nobody
 * listens on is replaced.
 *
 * @throws ListenError `XGI_CONTROL_IN_USE`, `XGI_CONTROL_LISTEN`. Never for 'default': that is a warning in the log, as the
 *   service serves without.
 */
export async function openControlSocket(
  place: string,
  steered: Steered,
  log: Log,
  { replaceLiving = false, timeouts }: ControlSocketOptions = {},
): Promise<ControlSocket> {
  const times = { ...TIMEOUTS, ...timeouts };
  const server = createControlServer(steered, log, times);
  const sockets = trackSockets(server);
  try {
    const path = place === 'default' ? await prepareControlFolder() : place;
    const removeFile = await listenPrivately(server, { path, replaceLiving });
    server.on('error', (error) => log.warn(`control socket ${path}: ${error.message}`));
    let closed: Promise<void> | undefined;
    const close = async (): Promise<void> => {
      removeFile();
      await closeServer(server, sockets, times.closeMs);
    };
    return { path, close: () => (closed ??= close()) };
  } catch (error) {
    if (place !== 'default') throw error;
    log.warn(
      `${(error as Error).message}; xgi status, reload, stop and scale cannot reach this process by themselves`,
      { code: (error as { code?: unknown }).code },
    );
    return { path: null, close: () => Promise.resolve() };
  }
}

function createControlServer(steered: Steered, log: Log, times: ControlTimeouts): Server {
  const server = createServer(
    {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: times.requestMs,
      requestTimeout: times.requestMs,
      connectionsCheckingInterval: Math.min(1000, times.requestMs),
    },
    createControlListener({ steered, log, statusTimeoutMs: times.statusMs, idleTimeoutMs: times.idleMs }),
  );
  server.maxConnections = MAX_CONNECTIONS;
  // Else one connection could have any number of requests under way.
  server.maxRequestsPerSocket = 1;
  server.timeout = times.idleMs;
  return server;
}

function trackSockets(server: Server): ReadonlySet<Socket> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  return sockets;
}

async function closeServer(server: Server, sockets: ReadonlySet<Socket>, graceMs: number): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(() => {
      for (const socket of sockets) socket.destroy();
    }, graceMs);
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
