/** Where the server listens, and how it stops. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ListenError } from '../../src/errors.js';
import { RawClient } from '../support/http-client.js';
import { answer, deferred, echo, hello, startServer, streamed, TestSource } from '../support/http-server.js';
import { repository } from '../support/paths.js';
import { blockUntil, pollUntil } from '../support/poll.js';
import { makeTempDir } from '../support/temp-dir.js';

const get = (target = '/'): string => `GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`;

describe('endpoints', () => {
  test('IPv4', async () => {
    const { url, port } = await startServer((request) =>
      answer(
        `${request.peer.remoteAddress} ${request.peer.localAddress} ${request.peer.localPort} ${request.clientAddress}`,
      ),
    );
    expect(url).toBe(`http://127.0.0.1:${port}`);
    const client = await RawClient.connect(port);
    expect((await client.send(get()).response()).body).toBe(`127.0.0.1 127.0.0.1 ${port} 127.0.0.1`);
  });

  test('IPv6', async () => {
    const { url, port } = await startServer((request) => answer(request.clientAddress), {
      endpoint: { kind: 'tcp', host: '::1', port: 0 },
    });
    expect(url).toBe(`http://[::1]:${port}`);
    const client = await RawClient.connect({ host: '::1', port });
    expect((await client.send(get()).response()).body).toBe('::1');
  });

  test('all addresses: an IPv4 client is shown as IPv4', async () => {
    const { port } = await startServer((request) => answer(request.clientAddress), {
      endpoint: { kind: 'tcp', host: '::', port: 0 },
    });
    const client = await RawClient.connect(port);
    expect((await client.send(get()).response()).body).toBe('127.0.0.1');
  });

  test('several at once', async () => {
    const { server, port } = await startServer(hello);
    const socketPath = path.join(makeTempDir(), 's');
    await server.listen({ kind: 'unix', path: socketPath });
    for (const to of [port, socketPath]) {
      const client = await RawClient.connect(to);
      expect((await client.send(get()).response()).body).toBe('hello');
    }
  });

  test('a port in use: XGI_LISTEN_IN_USE names the address', async () => {
    const { server, port } = await startServer(hello);
    await expect(server.listen({ kind: 'tcp', host: '127.0.0.1', port })).rejects.toMatchObject({
      name: 'ListenError',
      code: 'XGI_LISTEN_IN_USE',
      message: expect.stringContaining(`127.0.0.1:${port}: the address is in use`),
    });
  });

  test('an IPv6 port in use is named in brackets', async () => {
    const { server, port } = await startServer(hello, { endpoint: { kind: 'tcp', host: '::1', port: 0 } });
    await expect(server.listen({ kind: 'tcp', host: '::1', port })).rejects.toThrow(`[::1]:${port}: `);
  });

  test('an address of another machine', async () => {
    const { server } = await startServer(hello);
    await expect(server.listen({ kind: 'tcp', host: '192.0.2.1', port: 0 })).rejects.toMatchObject({
      code: 'XGI_LISTEN_FAILED',
      message: expect.stringContaining('192.0.2.1:0'),
    });
  });
});

describe('Unix-domain sockets', () => {
  test('serve, for every local user, and leave nothing behind', async () => {
    const socketPath = path.join(makeTempDir(), 's');
    const { server, url } = await startServer(
      (request) => answer(`[${request.clientAddress}:${request.clientPort}]`),
      {
        endpoint: { kind: 'unix', path: socketPath },
      },
    );
    expect(url).toBe(`unix:${socketPath}`);
    expect(lstatSync(socketPath).mode & 0o777).toBe(0o666);
    const client = await RawClient.connect(socketPath);
    expect((await client.send(get()).response()).body).toBe('[:0]');
    await server.shutdown(0);
    expect(existsSync(socketPath)).toBe(false);
  });

  test('a stale socket file is replaced', async () => {
    const socketPath = path.join(makeTempDir(), 's');
    const script = `require('net').createServer().listen(${JSON.stringify(socketPath)}, () => process.kill(process.pid, 'SIGKILL'))`;
    spawnSync(process.execPath, ['-e', script]);
    expect(lstatSync(socketPath).isSocket()).toBe(true);
    await startServer(hello, { endpoint: { kind: 'unix', path: socketPath } });
    const client = await RawClient.connect(socketPath);
    expect((await client.send(get()).response()).body).toBe('hello');
  });

  test('a live one is not taken away', async () => {
    const socketPath = path.join(makeTempDir(), 's');
    const { server } = await startServer(hello, { endpoint: { kind: 'unix', path: socketPath } });
    await expect(server.listen({ kind: 'unix', path: socketPath })).rejects.toMatchObject({
      code: 'XGI_LISTEN_IN_USE',
      message: expect.stringContaining(`unix:${socketPath}`),
    });
    const client = await RawClient.connect(socketPath);
    expect((await client.send(get()).response()).body).toBe('hello');
  });

  test.each<[string, (file: string) => void]>([
    ['a file', (file) => writeFileSync(file, 'precious')],
    ['a folder', (file) => mkdirSync(file)],
    ['a symbolic link', (file) => symlinkSync('elsewhere', file)],
  ])('%s of that name is refused, and stays', async (_name, make) => {
    const file = path.join(makeTempDir(), 's');
    make(file);
    const { server } = await startServer(hello);
    await expect(server.listen({ kind: 'unix', path: file })).rejects.toMatchObject({
      code: 'XGI_LISTEN_FAILED',
      message: expect.stringContaining(file),
    });
    expect(lstatSync(file).isSocket()).toBe(false);
    rmSync(file, { recursive: true });
  });

  test('a folder that is not there', async () => {
    const { server } = await startServer(hello);
    const file = path.join(makeTempDir(), 'none', 's');
    await expect(server.listen({ kind: 'unix', path: file })).rejects.toThrow(ListenError);
  });
});

describe('inherited descriptors', () => {
  // The child is given what systemd gives: a descriptor that listens, and no word about it. It runs the build.
  const child = `
    const { Server } = await import(${JSON.stringify(path.join(repository, 'dist/server/server.js'))});
    const { ResponseHead } = await import(${JSON.stringify(path.join(repository, 'dist/http/response-head.js'))});
    const { DEFAULT_LIMITS, DEFAULT_DEADLINES } = await import(${JSON.stringify(path.join(repository, 'dist/config/defaults.js'))});
    const server = new Server({
      handler: () => ({ head: new ResponseHead(200), body: { kind: 'bytes', bytes: 'from the child' } }),
      limits: DEFAULT_LIMITS, deadlines: DEFAULT_DEADLINES, trustedProxies: { trusts: () => false }, log: console,
    });
    console.log((await server.listen({ kind: 'fd', fd: 3 })).url);`;

  test.each(['tcp', 'unix'])('a listening %s socket', async (kind) => {
    const owner = createServer();
    const socketPath = path.join(makeTempDir(), 's');
    await new Promise<void>((resolve) => {
      if (kind === 'tcp') owner.listen(0, '127.0.0.1', resolve);
      else owner.listen(socketPath, resolve);
    });
    const { fd } = (owner as unknown as { _handle: { fd: number } })._handle;
    const to = kind === 'tcp' ? (owner.address() as AddressInfo).port : socketPath;
    const process_ = spawn(process.execPath, ['--input-type=module', '-e', child], {
      stdio: ['ignore', 'pipe', 'inherit', fd],
    });
    onTestFinished(() => {
      process_.kill('SIGKILL');
      owner.close();
    });
    const [line] = (await once(process_.stdout!, 'data')) as [Buffer];
    expect(line.toString().trim()).toBe(kind === 'tcp' ? `http://127.0.0.1:${to}` : 'fd://3');
    // This process would take its share of the connections.
    if (kind === 'tcp') owner.close();
    else owner.on('connection', (socket) => socket.destroy());
    await pollUntil(
      async () => {
        const client = await RawClient.connect(to);
        return (await client.send(get()).response()).body === 'from the child';
      },
      { what: 'a connection that the child gets' },
    );
  });

  test.each([
    ['a descriptor that is not open', 777],
    ['a descriptor that is no socket', undefined],
  ])('%s: XGI_LISTEN_FAILED', async (_name, given) => {
    const { server } = await startServer(hello);
    const fd = given ?? openSync('/dev/null', 'r');
    await expect(server.listen({ kind: 'fd', fd })).rejects.toMatchObject({
      code: 'XGI_LISTEN_FAILED',
      message: expect.stringContaining(`fd://${fd}`),
    });
    if (given === undefined) {
      try {
        closeSync(fd);
      } catch {
        // Closed by the failed attempt.
      }
    }
  });
});

describe('Unix-domain sockets that cannot be', () => {
  const listenOn = (socketPath: string): Promise<unknown> =>
    startServer(hello, { endpoint: { kind: 'unix', path: socketPath } }).then(
      () => undefined,
      (error: unknown) => error,
    );

  test('no folder: the message names it', async () => {
    const folder = path.join(await makeTempDir(), 'missing');
    expect(await listenOn(path.join(folder, 'socket'))).toMatchObject({
      code: 'XGI_LISTEN_FAILED',
      message: expect.stringContaining(`there is no folder ${folder}`),
    });
  });

  test('the folder is a file', async () => {
    const file = path.join(await makeTempDir(), 'file');
    writeFileSync(file, '');
    expect(await listenOn(path.join(file, 'socket'))).toMatchObject({
      code: 'XGI_LISTEN_FAILED',
      message: expect.stringContaining('is not a folder'),
    });
  });
});

describe('shutdown', () => {
  test('a request under way is finished, with Connection: close; nobody new is let in', async () => {
    const gate = deferred();
    const { port, server } = await startServer(async () => {
      await gate.promise;
      return answer('finished');
    });
    const client = await RawClient.connect(port);
    client.send(get());
    await pollUntil(() => server.connections === 1, { what: 'the connection' });
    const stopped = server.shutdown(5000);
    await pollUntil(
      () =>
        RawClient.connect(port).then(
          (probe) => void probe.socket.destroy(),
          (error: NodeJS.ErrnoException) => error.code === 'ECONNREFUSED',
        ),
      {
        what: 'a refused connection',
      },
    );
    gate.resolve();
    expect(await client.response()).toMatchObject({ body: 'finished', fields: { connection: 'close' } });
    await client.expectEnd();
    client.end();
    await stopped;
    expect(server.connections).toBe(0);
  });

  test('an idle connection is closed, a stream runs to its end', async () => {
    const source = new TestSource();
    const { port, server } = await startServer((request) =>
      request.path === '/stream' ? streamed(source) : answer('idle'),
    );
    const idle = await RawClient.connect(port);
    await idle.send(get()).response();
    const streaming = await RawClient.connect(port);
    streaming.send(get('/stream'));
    await streaming.untilText('\r\n\r\n');
    const stopped = server.shutdown(5000);
    await idle.expectEnd();
    idle.end();
    source.sink!.data(Buffer.from('late'));
    source.sink!.end();
    expect((await streaming.response()).body).toBe('late');
    await streaming.expectEnd();
    streaming.end();
    await stopped;
  });

  test('a request that is not finished in the grace period gets 503, and the log tells how many there were', async () => {
    const { port, server } = await startServer(() => new Promise(() => {}));
    const client = await RawClient.connect(port);
    client.send(get());
    await pollUntil(() => server.connections === 1, { what: 'the connection' });
    const start = performance.now();
    await server.shutdown(150);
    expect(performance.now() - start).toBeGreaterThan(140);
    await client.until(() => client.closed || client.ended, 'the end');
    expect(client.received).toMatch(/^HTTP\/1\.1 503 .*Connection: close.*XGI_STOPPING/s);
  });

  test('requests sent just before, at and just after the beginning are answered: none is lost', async () => {
    const { port, server, seen } = await startServer(async (request) => {
      // Takes its time: some answers are not there when the shutdown begins.
      if (request.path === '/slow') await new Promise((resolve) => setTimeout(resolve, 30));
      return answer(request.path);
    });
    const clients = await Promise.all(Array.from({ length: 120 }, () => RawClient.connect(port)));
    // Half of the connections have been used before.
    await Promise.all(clients.slice(60).map((client) => client.send(get('/first')).response()));
    const targets = clients.map((_, i) => (i % 3 === 0 ? '/slow' : '/quick'));
    let stopped: Promise<void> | undefined;
    for (const [i, client] of clients.entries()) {
      if (i === 50) stopped = server.shutdown(5000);
      client.send(get(targets[i]));
      // Some go out in turns of their own, some together.
      if (i % 10 === 9) await new Promise(setImmediate);
    }
    const answers = await Promise.all(clients.map((client) => client.response()));
    expect(answers.map(({ body }) => body)).toEqual(targets);
    for (const client of clients) client.end();
    await stopped;
    expect(seen).toHaveLength(180);
  });

  test('connections that the kernel has accepted are answered', async () => {
    const { port, server } = await startServer(hello);
    const allOpen = path.join(makeTempDir(), 'open');
    // They are established and their requests sent while this thread, the server's, is blocked below.
    const script = `
      const net = require('net');
      let answered = 0, open = 0, lost = 0;
      for (let i = 0; i < 100; i++) {
        const socket = net.connect({ port: ${port}, allowHalfOpen: true }, () => {
          open++;
          socket.end('GET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n');
          if (open === 100) require('fs').writeFileSync(${JSON.stringify(allOpen)}, '');
        });
        let text = '';
        socket.on('data', (chunk) => (text += chunk));
        socket.on('error', () => {});
        socket.on('close', () => {
          if (text.endsWith('hello')) answered++; else lost++;
          if (answered + lost === 100) process.stdout.write(String(answered));
        });
      }`;
    const clients = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    onTestFinished(() => void clients.kill());
    let output = '';
    clients.stdout.on('data', (chunk) => (output += String(chunk)));
    const ended = new Promise((resolve) => clients.on('close', resolve));
    // Nothing is accepted: when we get to it, the connections are in the backlog.
    blockUntil(() => existsSync(allOpen), { what: 'a hundred connections' });
    await server.shutdown(5000);
    await ended;
    expect(output).toBe('100');
  });

  test('a second listener and lingering connections do not hold it up', async () => {
    const { port, server } = await startServer(echo);
    await server.listen({ kind: 'tcp', host: '127.0.0.1', port: 0 });
    const start = performance.now();
    await server.shutdown(20_000);
    // A connection lingers for two seconds.
    expect(performance.now() - start).toBeLessThan(1500);
    await expect(RawClient.connect(port)).rejects.toThrow('ECONNREFUSED');
  });
});
