/** A listening socket: TCP, Unix-domain, or inherited as a file descriptor (from systemd, or from another gateway). */
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { ListenError } from '../errors.js';
import type { Endpoint } from '../types.js';
import { bracketed, listenError, nameOf } from './listen-failure.js';
import { giveName, removeStale, SocketPath, temporaryPath } from './socket-path.js';

export interface ListenOptions {
  /** Connections the kernel holds ready for us. Default 2048, as gunicorn. */
  readonly backlog?: number;
  /** What is spoken on TCP, for the URL. Default `http`. */
  readonly scheme?: 'http' | 'https';
}

/** Where a listener listens. */
export interface Listening {
  /** `http://127.0.0.1:8000`, `https://127.0.0.1:8443`, `unix:/path`, or `fd://3` for an inherited Unix-domain socket whose path was not told. */
  readonly url: string;
}

const DEFAULT_BACKLOG = 2048;
/** A temporary name of a few characters may be taken. */
const MAX_NAME_TRIES = 20;

type Accept = (socket: Socket, isUnix: boolean) => void;

export class Listener implements Listening {
  readonly url: string;
  /** Null for a Unix-domain socket. */
  readonly address: AddressInfo | null;
  readonly #server: Server;
  readonly #path: SocketPath | undefined;

  constructor(server: Server, url: string, path: SocketPath | undefined) {
    this.#server = server;
    this.url = url;
    const bound = server.address();
    this.address = typeof bound === 'object' ? bound : null;
    this.#path = path;
  }

  /** The descriptor, to be inherited by another process; -1 when closed. */
  get fd(): number {
    return (this.#server as unknown as { _handle: { fd: number } | null })._handle?.fd ?? -1;
  }

  /** Takes the name of a Unix-domain socket away, so that nobody finds it any more. Connections still in its queue stay there. */
  removePath(): void {
    this.#path?.remove();
  }

  /**
   * Gives up this process's descriptor. If it is the last one, what is in the queue is reset; if another process has inherited it, that
   * one goes on taking from the queue. Leaves the path of a Unix-domain socket.
   */
  close(): void {
    this.#server.close();
  }
}

/**
 * Begins to listen. The sockets that are given to `accept` are paused.
 *
 * @param failed is told of connections that were lost on their way
 * @throws ListenError naming the address
 */
export async function listen(
  endpoint: Endpoint,
  { backlog = DEFAULT_BACKLOG, scheme = 'http' }: ListenOptions,
  accept: Accept,
  failed: (error: Error) => void,
): Promise<Listener> {
  let isUnix = endpoint.kind === 'unix';
  const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, (socket) =>
    accept(socket, isUnix),
  );
  try {
    if (endpoint.kind === 'unix') {
      await removeStale(endpoint.path);
      await bindPath(server, endpoint.path, backlog);
    } else {
      await bind(server, endpoint, backlog);
    }
  } catch (error) {
    if (error instanceof ListenError) throw error;
    throw listenError(endpoint, error as NodeJS.ErrnoException);
  }
  // A connection that the kernel could not hand over (ENFILE, ENOBUFS); without a listener it would end the process.
  server.on('error', failed);
  // An inherited Unix-domain socket has no address that Node would tell.
  if (endpoint.kind === 'fd') isUnix = typeof server.address() !== 'object' || server.address() === null;
  const path = endpoint.kind !== 'tcp' && isUnix ? endpoint.path : undefined;
  return path === undefined
    ? new Listener(server, urlOf(server, endpoint, scheme), undefined)
    : new Listener(server, `unix:${path}`, SocketPath.of(path));
}

/** Binds at a temporary name, then moves the socket to its path (see socket-path.ts). */
async function bindPath(server: Server, path: string, backlog: number): Promise<void> {
  for (let tries = 1; ; tries++) {
    const temporary = temporaryPath(path);
    try {
      await withUmask(CONNECTABLE, () => bind(server, { kind: 'unix', path: temporary }, backlog));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE' || tries === MAX_NAME_TRIES) throw error;
      continue;
    }
    try {
      giveName(temporary, path);
      return;
    } catch (error) {
      server.close();
      throw error;
    }
  }
}

/**
 * As with a port on the loopback interface, every local user may connect; the folder's mode can narrow that. By the umask, not by
 * chmod(2) on a name: in a folder of another user it could be a link to any file by then.
 */
const CONNECTABLE = 0o111;

/** @param begin makes its files before it returns, as `listen` does for a path */
function withUmask<T>(umask: number, begin: () => T): T {
  const before = process.umask(umask);
  try {
    return begin();
  } finally {
    process.umask(before);
  }
}

function bind(server: Server, endpoint: Endpoint, backlog: number): Promise<void> {
  return new Promise((settle, reject) => {
    server.once('error', reject);
    // As an argument of its own: of an object with a descriptor, Node does not read it.
    server.listen(address(endpoint), backlog, () => {
      server.removeListener('error', reject);
      settle();
    });
  });
}

function address(endpoint: Endpoint): object {
  switch (endpoint.kind) {
    case 'tcp':
      return { host: endpoint.host, port: endpoint.port };
    case 'unix':
      return { path: endpoint.path };
    case 'fd':
      return { fd: endpoint.fd };
  }
}

function urlOf(server: Server, endpoint: Endpoint, scheme: string): string {
  const bound = server.address() as AddressInfo | null;
  return bound === null ? nameOf(endpoint) : `${scheme}://${bracketed(bound.address)}:${bound.port}`;
}
