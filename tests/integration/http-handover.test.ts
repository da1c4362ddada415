/** Listening sockets that pass to another process: the successor is a process of its own, with the build. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, lstatSync } from 'node:fs';
import { connect } from 'node:net';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Server } from '../../src/server/server.js';
import { RawClient } from '../support/http-client.js';
import { answer, startServer } from '../support/http-server.js';
import { repository } from '../support/paths.js';
import { blockUntil, pollUntil } from '../support/poll.js';
import { makeTempDir } from '../support/temp-dir.js';

const get = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

/** Told what to do by messages: `[endpoint, …]` are listened on, `stop` ends it as `xgi` ends. */
const SUCCESSOR = `
  const dist = (file) => import(${JSON.stringify(path.join(repository, 'dist'))} + file);
  const { Server } = await dist('/server/server.js');
  const { ResponseHead } = await dist('/http/response-head.js');
  const { DEFAULT_LIMITS, DEFAULT_DEADLINES } = await dist('/config/defaults.js');
  const server = new Server({
    handler: ({ peer }) => ({ head: new ResponseHead(200), body: { kind: 'bytes', bytes: 'successor ' + peer.isUnix } }),
    limits: DEFAULT_LIMITS, deadlines: DEFAULT_DEADLINES, trustedProxies: { trusts: () => false }, log: console,
  });
  process.on('message', async (message) => {
    if (message === 'stop') {
      await server.shutdown(1000);
      process.disconnect();
      return;
    }
    const urls = [];
    for (const endpoint of message) urls.push((await server.listen(endpoint)).url);
    process.send(urls);
  });
  process.send('ready');`;

/** Starts a process that has the sockets as its descriptors 4, 5 …; it does not accept yet. */
async function startSuccessor({ sockets }: Server): Promise<ChildProcess> {
  const successor = spawn(process.execPath, ['--input-type=module', '-e', SUCCESSOR], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc', ...sockets],
  });
  onTestFinished(() => void successor.kill('SIGKILL'));
  await once(successor, 'message');
  return successor;
}

/** The successor accepts. @returns the addresses that it names */
async function accept(successor: ChildProcess, endpoints: readonly object[]): Promise<string[]> {
  const reported = once(successor, 'message');
  successor.send(endpoints);
  return (await reported)[0] as string[];
}

async function bodyFrom(to: number | string): Promise<string> {
  const client = await RawClient.connect(to);
  const { body } = await client.send(get).response();
  client.end();
  return body;
}

describe('two processes with the same sockets', () => {
  test('both accept; the predecessor leaves queue and path to the successor, who removes the path at its end', async () => {
    const socketPath = path.join(makeTempDir(), 's');
    const { server, port } = await startServer(() => answer('predecessor'));
    await server.listen({ kind: 'unix', path: socketPath });
    const { ino } = lstatSync(socketPath);
    const successor = await startSuccessor(server);
    expect(
      await accept(successor, [
        { kind: 'fd', fd: 4 },
        { kind: 'fd', fd: 5, path: socketPath },
      ]),
    ).toEqual([`http://127.0.0.1:${port}`, `unix:${socketPath}`]);
    for (const [to, isUnix] of [
      [port, false],
      [socketPath, true],
    ] as const) {
      const bodies = new Set<string>();
      await pollUntil(async () => bodies.add(await bodyFrom(to)).size === 2, {
        what: 'both to answer',
        everyMs: 0,
      });
      expect([...bodies].toSorted()).toEqual(['predecessor', `successor ${isUnix}`]);
    }
    await server.shutdown(5000, { handedOver: true });
    expect(server.sockets).toEqual([]);
    expect(lstatSync(socketPath).ino).toBe(ino);
    expect(await bodyFrom(port)).toBe('successor false');
    expect(await bodyFrom(socketPath)).toBe('successor true');
    const exited = once(successor, 'exit');
    successor.send('stop');
    expect(await exited).toEqual([0, null]);
    expect(existsSync(socketPath)).toBe(false);
    await expect(RawClient.connect(port)).rejects.toThrow('ECONNREFUSED');
  });

  test('an inherited Unix-domain socket without a path: fd://4, and nothing is removed', async () => {
    const socketPath = path.join(makeTempDir(), 's');
    const { server } = await startServer(() => answer(), { endpoint: { kind: 'unix', path: socketPath } });
    const successor = await startSuccessor(server);
    expect(await accept(successor, [{ kind: 'fd', fd: 4 }])).toEqual(['fd://4']);
    await server.shutdown(0, { handedOver: true });
    expect(await bodyFrom(socketPath)).toBe('successor true');
    const exited = once(successor, 'exit');
    successor.send('stop');
    await exited;
    expect(existsSync(socketPath)).toBe(true);
  });

  test('another server of the same path does not lose it to the end of the first', async () => {
    const socketPath = path.join(makeTempDir(), 's');
    const { server } = await startServer(() => answer(), { endpoint: { kind: 'unix', path: socketPath } });
    const successor = await startSuccessor(server);
    await accept(successor, [{ kind: 'fd', fd: 4, path: socketPath }]);
    await server.shutdown(0, { handedOver: true });
    const exited = once(successor, 'exit');
    successor.kill('SIGKILL');
    await exited;
    // What the killed one left behind is replaced.
    await startServer(() => answer('new'), { endpoint: { kind: 'unix', path: socketPath } });
    expect(await bodyFrom(socketPath)).toBe('new');
    await server.shutdown(0);
    expect(await bodyFrom(socketPath)).toBe('new');
  });
});

test('connections in the queue of a socket that is handed over are the successor’s', async () => {
  const { server, port, seen } = await startServer(() => answer('predecessor'));
  const successor = await startSuccessor(server);
  const allOpen = path.join(makeTempDir(), 'open');
  const script = `
    let open = 0;
    for (let i = 0; i < 100; i++) {
      let text = '';
      const socket = require('net').connect({ port: ${port}, allowHalfOpen: true }, () => {
        socket.end(${JSON.stringify(get)});
        if (++open === 100) require('fs').writeFileSync(${JSON.stringify(allOpen)}, '');
      });
      socket.on('data', (chunk) => (text += chunk));
      socket.on('error', (error) => (text += error.code));
      socket.on('close', () => process.stdout.write(text.slice(text.lastIndexOf('\\n') + 1) + '\\n'));
    }`;
  const clients = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void clients.kill('SIGKILL'));
  let output = '';
  clients.stdout.on('data', (chunk) => (output += String(chunk)));
  const ended = once(clients, 'close');
  // All of them are in the queue: neither process has accepted one when we let go.
  blockUntil(() => existsSync(allOpen), { what: 'a hundred connections' });
  await server.shutdown(1000, { handedOver: true });
  await accept(successor, [{ kind: 'fd', fd: 4 }]);
  await ended;
  expect(output.split('\n').slice(0, -1)).toEqual(Array(100).fill('successor false'));
  expect(seen).toEqual([]);
});

const CLIENTS = 32;

interface Tally {
  sent: number;
  answered: Map<string, number>;
  closes: number;
  lost: string[];
}

/** Sends request after request on one connection, and goes on with another where it is told to, until it is stopped. */
async function sendWithoutPause(to: number | string, tally: Tally, stopped: () => boolean): Promise<void> {
  while (!stopped()) {
    await new Promise<void>((settle) => {
      const socket =
        typeof to === 'number' ? connect({ port: to, host: '127.0.0.1', noDelay: true }) : connect(to);
      let text = '';
      let pending = false;
      const send = (): void => {
        pending = true;
        text = '';
        tally.sent++;
        socket.write(get);
      };
      socket.setEncoding('latin1');
      socket.on('connect', send);
      socket.on('data', (chunk) => {
        text += String(chunk);
        const body = /^HTTP\/1\.1 200 [^]*\r\n\r\n(predecessor|successor \w+)$/.exec(text)?.[1];
        if (body === undefined) return;
        pending = false;
        tally.answered.set(body, (tally.answered.get(body) ?? 0) + 1);
        if (/\r\nConnection: close\r\n/.test(text)) {
          tally.closes++;
          socket.end();
        } else if (stopped()) {
          socket.end();
        } else {
          send();
        }
      });
      socket.on('error', (error: NodeJS.ErrnoException) => tally.lost.push(String(error.code)));
      socket.on('close', () => {
        if (pending) tally.lost.push(`no answer, but ${JSON.stringify(text)}`);
        settle();
      });
    });
  }
}

test.each(['tcp', 'unix'] as const)(
  '32 connections that send without pause lose nothing to a hand-over (%s)',
  async (kind) => {
    const socketPath = path.join(makeTempDir(), 's');
    const { server, port } = await startServer(
      async () => {
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 5));
        return answer('predecessor');
      },
      kind === 'unix' ? { endpoint: { kind, path: socketPath } } : {},
    );
    const to = kind === 'unix' ? socketPath : port;
    const tally: Tally = { sent: 0, answered: new Map(), closes: 0, lost: [] };
    let stopped = false;
    const clients = Array.from({ length: CLIENTS }, () => sendWithoutPause(to, tally, () => stopped));
    await pollUntil(() => (tally.answered.get('predecessor') ?? 0) > 500, { what: 'answers' });
    const successor = await startSuccessor(server);
    await accept(successor, [{ kind: 'fd', fd: 4, ...(kind === 'unix' && { path: socketPath }) }]);
    const start = performance.now();
    await server.shutdown(20_000, { handedOver: true });
    // All of them were told to leave: none had to be waited for.
    expect(performance.now() - start).toBeLessThan(10_000);
    const before = tally.answered.get(`successor ${kind === 'unix'}`) ?? 0;
    await pollUntil(() => (tally.answered.get(`successor ${kind === 'unix'}`) ?? 0) > before + 500, {
      what: 'answers of the successor',
    });
    stopped = true;
    await Promise.all(clients);
    expect(tally.lost).toEqual([]);
    expect([...tally.answered.values()].reduce((sum, count) => sum + count, 0)).toBe(tally.sent);
    expect(tally.closes).toBeGreaterThanOrEqual(CLIENTS);
  },
);

test('a request that reaches a process while it was held up is answered, however long that was', async () => {
  const { server, port } = await startServer(() => answer('predecessor'));
  const client = await RawClient.connect(port);
  await client.send(get).response();
  const stopped = server.shutdown(5000);
  // The loop is in the timers when this pause ends: the idle connection's time is over, but its request is there.
  await new Promise<void>((resolve) => {
    setTimeout(() => {
      client.send(get);
      const until = performance.now() + 1200;
      while (performance.now() < until);
      resolve();
    }, 20);
  });
  expect(await client.response()).toMatchObject({ body: 'predecessor', fields: { connection: 'close' } });
  client.end();
  await stopped;
});
