/** One handler at `/legacy` of each server and framework that it can be mounted in, on a free port, closed with the test. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serve as serveHono } from '@hono/node-server';
import express from 'express';
import fastify from 'fastify';
import { H3, serve as serveH3 } from 'h3';
import { Hono } from 'hono';
import { onTestFinished } from 'vitest';
import { type MountOptions, toFastify, toFetch, toNodeListener } from '../../src/library/mounting.js';
import type { Handler } from '../../src/types.js';

export const MOUNT = '/legacy';

/** @returns its port */
type Mount = (handler: Handler, options: MountOptions) => Promise<number>;

export const HOSTS: Readonly<Record<'node:http' | 'Express' | 'Fastify' | 'Hono' | 'h3', Mount>> = {
  'node:http': async (handler, options) =>
    await listen(createServer(toNodeListener(handler, { ...options, mount: MOUNT }))),

  Express: async (handler, options) => {
    const site = express();
    site.get('/own', (_request, response) => void response.send('own'));
    site.use(MOUNT, toNodeListener(handler, options));
    return await listen(createServer(site));
  },

  Fastify: async (handler, options) => {
    const site = fastify();
    site.get('/own', () => 'own');
    await site.register(toFastify(handler, options), { prefix: MOUNT });
    await site.listen({ port: 0, host: '127.0.0.1' });
    onTestFinished(async () => {
      site.server.closeAllConnections();
      await site.close();
    });
    return (site.server.address() as AddressInfo).port;
  },

  Hono: async (handler, options) => {
    const site = new Hono();
    site.get('/own', (context) => context.text('own'));
    site.mount(MOUNT, toFetch(handler, { ...options, mount: MOUNT }), { replaceRequest: false });
    const server = serveHono({ fetch: site.fetch, port: 0, hostname: '127.0.0.1' }) as Server;
    if (!server.listening) await once(server, 'listening');
    return closed(server);
  },

  h3: async (handler, options) => {
    const site = new H3();
    site.get('/own', () => 'own');
    const legacy = toFetch(handler, { ...options, mount: MOUNT });
    site.all(`${MOUNT}/**`, ({ req }) => legacy(req, { clientAddress: req.ip }));
    const server = serveH3(site, { port: 0, hostname: '127.0.0.1', silent: true });
    await server.ready();
    return closed(server.node!.server as Server);
  },
};

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return closed(server);
}

function closed(server: Server): number {
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as AddressInfo).port;
}
