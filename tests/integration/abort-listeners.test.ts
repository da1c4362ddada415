/** A client that goes is told to everyone who asked: to middleware, and to the application that got the same request behind it. */
import { expect, test } from 'vitest';
import { cache } from '../../src/middleware/cache.js';
import { limits } from '../../src/middleware/limits.js';
import type { Handler, Middleware } from '../../src/types.js';
import { RawClient } from '../support/http-client.js';
import { deferred, startServer } from '../support/http-server.js';
import { HOSTS, MOUNT } from '../support/mounted.js';
import { connectHttp2, startTlsServer } from '../support/tls-server.js';
import { MemoryLog } from '../support/wsgi-site.js';

/** Asks, and leaves as soon as the handler has begun. */
type Visit = (handler: Handler, begun: Promise<void>) => Promise<void>;

async function leaveSocket(port: number, path: string, begun: Promise<void>): Promise<void> {
  const client = await RawClient.connect(port);
  client.send(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
  await begun;
  client.reset();
}

const SERVERS: Readonly<Record<string, Visit>> = {
  'HTTP/1.1': async (handler, begun) => await leaveSocket((await startServer(handler)).port, '/', begun),
  'HTTP/2': async (handler, begun) => {
    const session = await connectHttp2((await startTlsServer(handler)).port);
    const stream = session.request({ ':path': '/' });
    stream.on('error', () => {});
    await begun;
    stream.close(8);
  },
  ...Object.fromEntries(
    Object.entries(HOSTS).map(([name, mount]): [string, Visit] => [
      `mounted in ${name}`,
      async (handler, begun) =>
        await leaveSocket(await mount(handler, { log: new MemoryLog() }), `${MOUNT}/`, begun),
    ]),
  ),
};

test.each(
  Object.keys(SERVERS).flatMap((server) => [
    [server, 'the same request', [] as Middleware[]] as const,
    [server, 'one with a time limit', [limits({ time: '1m' })]] as const,
    [server, 'one that a cache shares', [cache()]] as const,
  ]),
)('%s, %s', async (server, _what, between) => {
  const told: string[] = [];
  const begun = deferred();
  const late = deferred();
  const all = deferred();
  const watching =
    (name: string): Middleware =>
    (next) =>
    (request) => {
      request.onAbort(() => told.push(name));
      return next(request);
    };
  const application: Handler = (request) => {
    request.onAbort(() => {
      told.push('application');
      all.resolve();
    });
    // Who asks when it has happened is told at once.
    void all.promise.then(() => request.onAbort(() => late.resolve()));
    begun.resolve();
    return new Promise(() => {});
  };
  const list = [watching('first'), ...between, watching('second')];
  await SERVERS[server]!(
    list.reduceRight<Handler>((next, one) => one(next), application),
    begun.promise,
  );
  await late.promise;
  expect(told).toEqual(['first', 'second', 'application']);
});
