/** Waits until a server accepts connections, and says why if it never does. */
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ServerProcess } from './server-process.js';

export type Address = { readonly port: number } | { readonly path: string };

const START_LIMIT_MS = 15_000;
const POLL_INTERVAL_MS = 25;

/** @throws with the program's last output when it ends, or accepts nothing within 15 s. */
export async function untilAccepting(address: Address, server: ServerProcess): Promise<void> {
  const deadline = performance.now() + START_LIMIT_MS;
  while (!(await accepts(address))) {
    if (server.hasExited) throw new Error(`the server ended while starting:\n${server.output}`);
    if (performance.now() > deadline) {
      throw new Error(
        `the server accepted no connection within ${START_LIMIT_MS / 1000} s:\n${server.output}`,
      );
    }
    await sleep(POLL_INTERVAL_MS);
  }
}

function accepts(address: Address): Promise<boolean> {
  const target = 'port' in address ? { host: '127.0.0.1', port: address.port } : { path: address.path };
  return new Promise((resolve) => {
    const socket = connect(target);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
