import type { Server } from 'node:net';
import { expect, test, vi } from 'vitest';
import { Rendezvous } from '../../../src/workers/rendezvous.js';

const servers = vi.hoisted((): Server[] => []);

vi.mock(import('node:net'), async (importOriginal) => {
  const net = await importOriginal();
  const createServer = (...args: Parameters<typeof net.createServer>): Server => {
    const server = net.createServer(...args);
    servers.push(server);
    return server;
  };
  return { ...net, createServer: createServer as typeof net.createServer };
});

test('an error of the socket while the gateway runs is logged, not thrown', async () => {
  const error = vi.fn<(message: string) => void>();
  const rendezvous = new Rendezvous({ debug: () => {}, info: () => {}, warn: () => {}, error });
  await rendezvous.listen();
  servers[0]!.emit('error', new Error('accept EMFILE'));
  servers[0]!.emit('error', new Error('accept EMFILE'));
  rendezvous.close();
  expect(error.mock.calls[1]).toEqual(['XGI_WORKER_SOCKET: a worker cannot connect: accept EMFILE']);
});
