/** Whether an address could be listened on, without taking it from whoever has it. */
import { accessSync, constants } from 'node:fs';
import { createServer } from 'node:net';
import { dirname } from 'node:path';
import type { Endpoint } from '../types.js';
import { denied, listenError } from './listen-failure.js';
import { isStale } from './socket-path.js';

/**
 * Of TCP, listens for a moment; where somebody listens already, nothing reaches them of it. Of a Unix-domain socket, makes and removes nothing.
 * An inherited descriptor is there at a start only, and is not looked at.
 *
 * @throws ListenError as `listen` would
 */
export async function probeEndpoint(endpoint: Endpoint): Promise<void> {
  switch (endpoint.kind) {
    case 'tcp':
      await probePort(endpoint);
      return;
    case 'unix':
      await probePath(endpoint.path);
      return;
    case 'fd':
  }
}

async function probePort(endpoint: Endpoint & { kind: 'tcp' }): Promise<void> {
  const server = createServer((socket) => socket.destroy());
  try {
    await new Promise<void>((resolve, reject) => {
      server.on('error', reject);
      server.listen({ host: endpoint.host, port: endpoint.port, exclusive: true }, resolve);
    });
  } catch (error) {
    throw listenError(endpoint, error as NodeJS.ErrnoException);
  } finally {
    server.close();
  }
}

async function probePath(path: string): Promise<void> {
  await isStale(path);
  try {
    accessSync(dirname(path), constants.W_OK | constants.X_OK);
  } catch (error) {
    throw denied(
      `unix:${path}`,
      (error as NodeJS.ErrnoException).code!,
      'this user may not write to its folder',
    );
  }
}
