/** What may go wrong when an address is listened on, in words: the address, what was observed, what to do. */
import { ListenError } from '../errors.js';
import type { Endpoint } from '../types.js';

/** `127.0.0.1:8000`, `unix:/path` or `fd://3`, as `--bind` takes it. */
export function nameOf(endpoint: Endpoint): string {
  switch (endpoint.kind) {
    case 'tcp':
      return `${bracketed(endpoint.host)}:${endpoint.port}`;
    case 'unix':
      return `unix:${endpoint.path}`;
    case 'fd':
      return `fd://${endpoint.fd}`;
  }
}

/** An IPv6 address as it stands before a port. */
export function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

/** `XGI_LISTEN_IN_USE`. @param name of the endpoint */
export function inUse(name: string): ListenError {
  return new ListenError(
    'XGI_LISTEN_IN_USE',
    `${name}: the address is in use by another process; stop it or choose another with --bind`,
  );
}

/** `XGI_LISTEN_DENIED`. @param name of the endpoint */
export function denied(name: string, code: string, why: string): ListenError {
  return new ListenError(
    'XGI_LISTEN_DENIED',
    `${name}: not permitted (${code}): ${why}; choose another address with --bind`,
  );
}

/** What the error of a system call means for this endpoint. */
export function listenError(endpoint: Endpoint, error: NodeJS.ErrnoException): ListenError {
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
