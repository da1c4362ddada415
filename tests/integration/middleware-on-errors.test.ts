/**
 * What middleware says in answers (`requestId`, `headers`, `cors`, `rateLimit`) is in those to failures, too: whatever has failed, over each protocol, and
 * in each server that a gateway is mounted in.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect, createServer as createHttp2Server, type ClientHttp2Session } from 'node:http2';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { wsgi } from '../../src/library/applications.js';
import { createServer, type GatewayServer } from '../../src/library/gateway-server.js';
import { toNodeListener } from '../../src/library/mounting.js';
import { basicAuth } from '../../src/middleware/basic-auth.js';
import { cors } from '../../src/middleware/cors.js';
import { headers } from '../../src/middleware/headers.js';
import { limits } from '../../src/middleware/limits.js';
import { rateLimit } from '../../src/middleware/rate-limit.js';
import { requestId } from '../../src/middleware/request-id.js';
import type { Handler } from '../../src/types.js';
import { echo, startServer } from '../support/http-server.js';
import { HOSTS, MOUNT } from '../support/mounted.js';
import { makeTempDir, removeTempDir } from '../support/temp-dir.js';
import { connectHttp2, request as ask, startTlsServer } from '../support/tls-server.js';
import { MemoryLog, python } from '../support/wsgi-site.js';

const ORIGIN = 'https://app.example.org';
const WSGI = `
import os
def application(environ, start_response):
    os._exit(3)
`;

interface Given {
  readonly status: number;
  /** Repeated ones are joined by commas. */
  field(name: string): string | undefined;
  readonly body: string;
}

interface Asked {
  readonly path: string;
  readonly body?: string | undefined;
}

/** Asks a handler that is served so. */
type Serve = (handler: Handler) => Promise<(asked: Asked) => Promise<Given>>;

const log = new MemoryLog();
const directory = makeTempDir();
let gateway: GatewayServer;

beforeAll(() => {
  writeFileSync(path.join(directory, 'dying.py'), WSGI);
  const hash = `{SHA}${createHash('sha1').update('x').digest('base64')}`;
  gateway = createServer({
    log,
    middleware: [
      requestId(),
      headers({ security: true, add: { 'X-Site': 'one' } }),
      cors({ origins: [ORIGIN] }),
      rateLimit({ limit: 10_000 }),
    ],
    routes: [
      {
        path: '/throws',
        handler: () => {
          throw new TypeError('a defect');
        },
      },
      { path: '/rejects', handler: async () => await Promise.reject(new TypeError('a defect')) },
      { path: '/hangs', middleware: [limits({ time: '20ms' })], handler: () => new Promise(() => {}) },
      { path: '/dies', handler: wsgi('dying:application', { chdir: directory, workers: 1, python, log }) },
      { path: '/small', middleware: [limits({ body: 10 })], handler: echo },
      { path: '/private', middleware: [basicAuth({ users: { ada: hash } })], handler: echo },
    ],
  });
});

afterAll(async () => {
  await gateway.close(0);
  removeTempDir(directory);
});

const withFetch =
  (origin: string) =>
  async ({ path: at, body }: Asked): Promise<Given> => {
    const method = body === undefined ? 'GET' : 'POST';
    const response = await fetch(origin + at, {
      method,
      ...(body !== undefined && { body }),
      headers: { origin: ORIGIN },
    });
    const text = await response.text();
    return { status: response.status, field: (name) => response.headers.get(name) ?? undefined, body: text };
  };

const withSession =
  (session: ClientHttp2Session, mount = '') =>
  async ({ path: at, body }: Asked): Promise<Given> => {
    const fields = { ':path': mount + at, ':method': body === undefined ? 'GET' : 'POST', origin: ORIGIN };
    const answer = await ask(session, fields, body);
    return { status: answer.status, field: (name) => answer.fields[name]?.toString(), body: answer.body };
  };

const SERVERS: Readonly<Record<string, Serve>> = {
  'HTTP/1.1': async (handler) => withFetch((await startServer(handler)).url),
  'HTTP/2': async (handler) => withSession(await connectHttp2((await startTlsServer(handler)).port)),
  ...Object.fromEntries(
    Object.entries(HOSTS).map(([name, mount]): [string, Serve] => [
      `mounted in ${name}`,
      async (handler) => withFetch(`http://127.0.0.1:${await mount(handler, { log })}${MOUNT}`),
    ]),
  ),
  'mounted in node:http2': async (handler) => {
    const server = createHttp2Server(toNodeListener(handler, { log, mount: MOUNT }));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    onTestFinished(() => {
      session.destroy();
      server.close();
    });
    return withSession(session, MOUNT);
  },
};

describe.each(Object.keys(SERVERS))('%s', (name) => {
  test.each<[string, Asked, number, string]>([
    ['an application that throws', { path: '/throws' }, 500, 'XGI_APP_RAISED'],
    ['an application that rejects', { path: '/rejects' }, 500, 'XGI_APP_RAISED'],
    ['no route', { path: '/none' }, 404, 'XGI_ROUTE_NONE'],
    ['an answer that takes too long', { path: '/hangs' }, 504, 'XGI_LIMIT_TIME'],
    ['a worker that dies', { path: '/dies' }, 502, 'XGI_WORKER_DIED'],
    ['a body that is too long', { path: '/small', body: 'x'.repeat(11) }, 413, 'XGI_HTTP_BODY_SIZE'],
    ['nobody who may come in', { path: '/private' }, 401, 'needed'],
  ])('%s', async (_what, asked, status, text) => {
    const given = await (await SERVERS[name]!(gateway.handler))(asked);
    expect(given.body).toContain(text);
    expect([
      given.status,
      given.field('x-site'),
      given.field('x-content-type-options'),
      given.field('access-control-allow-origin'),
      given.field('ratelimit-policy'),
    ]).toEqual([status, 'one', 'nosniff', ORIGIN, '"address-10000-60s";q=10000;w=60']);
    expect(given.field('ratelimit')).toMatch(/^"address-10000-60s";r=\d+;t=\d+$/);
    expect(given.field('x-request-id')).toMatch(/^[\w-]+$/);
    if (status >= 500) expect(given.body).toContain(`request ${given.field('x-request-id')}`);
  });
});
