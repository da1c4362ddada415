import { once } from 'node:events';
import { connect, type Server } from 'node:net';
import { expect, test, vi } from 'vitest';
import { Rendezvous } from '../../../src/workers/rendezvous.js';
import { pollUntil } from '../../support/poll.js';

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

test('of those who say nothing, only so many are let in; and others again when they have gone', async () => {
  const rendezvous = new Rendezvous({ debug: () => {}, info: () => {}, warn: () => {}, error: () => {} });
  await rendezvous.listen();
  const strangers = Array.from({ length: 512 }, () => connect(rendezvous.socketPath));
  await Promise.all(strangers.map((socket) => once(socket, 'connect')));
  const late = connect(rendezvous.socketPath);
  await once(late.resume(), 'close');
  expect(strangers.filter((socket) => socket.destroyed)).toEqual([]);
  for (const socket of strangers) socket.destroy();
  await pollUntil(async () => {
    const next = connect(rendezvous.socketPath);
    await once(next, 'connect');
    // A refused one is closed at once.
    const isLet = await Promise.race([
      once(next.resume(), 'close').then(() => false),
      new Promise((resolve) => setTimeout(() => resolve(true), 100)),
    ]);
    next.destroy();
    return isLet;
  });
  rendezvous.close();
});
