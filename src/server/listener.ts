/** Listening sockets: TCP, Unix-domain, or inherited as a file descriptor (systemd's LISTEN_FDS among them). */
import { chmodSync, lstatSync, statSync, unlinkSync, type Stats } from 'node:fs';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { dirname, resolve } from 'node:path';
import { ListenError } from '../errors.js';
import type { Endpoint } from '../types.js';

export interface ListenOptions {
  /** Connections the kernel holds ready for us. Default 2048, as gunicorn. */
  readonly backlog?: number;
}

/** Where a listener listens. */
export interface Listening {
  /** `http://127.0.0.1:8000`, `unix:/path`, or `fd://3` for an inherited Unix-domain socket. */
  readonly url: string;
}

const DEFAULT_BACKLOG = 2048;

/** @throws ListenError naming the address */
export async function listen(
  endpoint: Endpoint,
  options: ListenOptions,
  accept: (socket: Socket, isUnix: boolean) => void,
): Promise<{ server: Server; listening: Listening }> {
  const backlog = options.backlog ?? DEFAULT_BACKLOG;
  let isUnix = endpoint.kind === 'unix';
  const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, (socket) =>
    accept(socket, isUnix),
  );
  if (endpoint.kind === 'unix') await removeStale(endpoint.path);
  try {
    await new Promise<void>((settle, reject) => {
      server.once('error', reject);
      server.listen(address(endpoint, backlog), () => {
        server.removeListener('error', reject);
        settle();
      });
    });
  } catch (error) {
    throw listenError(endpoint, error as NodeJS.ErrnoException);
  }
  // As with a port on the loopback interface, every local user may connect; the folder's mode can narrow that.
  if (endpoint.kind === 'unix') chmodSync(endpoint.path, 0o666);
  // An inherited Unix-domain socket has no address that Node would tell.
  if (endpoint.kind === 'fd') isUnix = typeof server.address() !== 'object' || server.address() === null;
  return { server, listening: { url: urlOf(server, endpoint) } };
}

function address(endpoint: Endpoint, backlog: number): object {
  switch (endpoint.kind) {
    case 'tcp':
      return { host: endpoint.host, port: endpoint.port, backlog };
    case 'unix':
      return { path: endpoint.path, backlog };
    case 'fd':
      return { fd: endpoint.fd, backlog };
  }
}

/** Removes the socket file of a server that is no more. One that still answers is in use. */
async function removeStale(path: string): Promise<void> {
  const stat = lookAt(path);
  if (stat === undefined) return;
  if (!stat.isSocket()) {
    throw new ListenError(
      'XGI_LISTEN_FAILED',
      `unix:${path}: there is a file of this name that is not a socket; remove it or choose another path`,
    );
  }
  const alive = await new Promise<boolean>((settle) => {
    const probe = connect(path, () => {
      probe.destroy();
      settle(true);
    });
    probe.on('error', (error: NodeJS.ErrnoException) =>
      settle(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT'),
    );
  });
  if (alive) throw inUse(`unix:${path}`);
  unlinkSync(path);
}

/** @returns undefined if there is no such file, but a folder for it */
function lookAt(path: string): Stats | undefined {
  const folder = dirname(resolve(path));
  try {
    if (!statSync(folder).isDirectory())
      throw new ListenError('XGI_LISTEN_FAILED', `unix:${path}: ${folder} is not a folder`);
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    if (error instanceof ListenError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT')
      throw new ListenError('XGI_LISTEN_FAILED', `unix:${path}: there is no folder ${folder}; create it`);
    if (code === 'EACCES' || code === 'EPERM')
      throw denied(`unix:${path}`, code, `this user may not use the folder ${folder}`);
    throw new ListenError('XGI_LISTEN_FAILED', `unix:${path}: ${message}`);
  }
}

function denied(name: string, code: string, why: string): ListenError {
  return new ListenError(
    'XGI_LISTEN_DENIED',
    `${name}: not permitted (${code}): ${why}; choose another address with --bind`,
  );
}

function listenError(endpoint: Endpoint, error: NodeJS.ErrnoException): ListenError {
  const name = nameOf(endpoint);
  if (error.code === 'EADDRINUSE') return inUse(name);
  if (error.code === 'EACCES' || error.code === 'EPERM') {
    if (endpoint.kind === 'unix') return denied(name, error.code, 'this user may not write to its folder');
    const low = endpoint.kind === 'tcp' && endpoint.port < 1024;
    return denied(name, error.code, low ? 'ports below 1024 need privileges' : error.message);
  }
  if (error.code === 'ENOTFOUND' || error.code === 'EAI_AGAIN') {
    return new ListenError('XGI_LISTEN_FAILED', `${name}: the name cannot be resolved (${error.code})`);
  }
  if (error.code === 'EADDRNOTAVAIL') {
    return new ListenError('XGI_LISTEN_FAILED', `${name}: this machine has no such address (${error.code})`);
  }
  if (endpoint.kind === 'fd') {
    return new ListenError(
      'XGI_LISTEN_FAILED',
      `${name}: the descriptor is not a listening socket (${error.code ?? error.message})`,
    );
  }
  return new ListenError('XGI_LISTEN_FAILED', `${name}: ${error.message}`);
}

function inUse(name: string): ListenError {
  return new ListenError(
    'XGI_LISTEN_IN_USE',
    `${name}: the address is in use by another process; stop it or choose another with --bind`,
  );
}

function nameOf(endpoint: Endpoint): string {
  switch (endpoint.kind) {
    case 'tcp':
      return `${bracketed(endpoint.host)}:${endpoint.port}`;
    case 'unix':
      return `unix:${endpoint.path}`;
    case 'fd':
      return `fd://${endpoint.fd}`;
  }
}

function urlOf(server: Server, endpoint: Endpoint): string {
  const bound = server.address() as AddressInfo | string | null;
  // Node does not tell the path of an inherited Unix-domain socket.
  if (bound === null) return nameOf(endpoint);
  return typeof bound === 'string' ? `unix:${bound}` : `http://${bracketed(bound.address)}:${bound.port}`;
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
