/** Where a gateway listens: addresses, Unix sockets, and sockets that were opened by another process. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { request } from 'node:http';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { networkInterfaces } from 'node:os';
import { text } from 'node:stream/consumers';
import { afterEach, expect, test } from 'vitest';
import { Authority } from '../support/certificates.js';
import { curl } from '../support/curl.js';
import { cliMain } from '../support/paths.js';
import { spawnXgi, startXgi, type XgiServer } from '../support/xgi.js';
import { type Answer, ask, Project } from '../support/cli-project.js';

const project = new Project();
const cwd = project.directory;
let server: XgiServer | undefined;

afterEach(async () => {
  if (server?.child.exitCode === null) await server.stop();
  server = undefined;
});

async function askSocket(socketPath: string): Promise<Answer> {
  const outgoing = request({ socketPath, path: '/' }).end();
  const [response] = (await once(outgoing, 'response')) as [NodeJS.ReadableStream];
  return JSON.parse(await text(response)) as Answer;
}

test('several addresses, a Unix socket among them, each named in a line', async () => {
  server = await startXgi(
    ['app:app', '-w', '1', '-b', '127.0.0.1:0', '-b', 'unix:web.sock', '-b', 'localhost:0'],
    { cwd },
  );
  await server.waitForOutput(/Using interpreter/);
  expect(server.addresses).toEqual([
    expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
    `unix:${project.file('web.sock')}`,
    expect.stringMatching(/^http:\/\/(127\.0\.0\.1|\[::1\]):\d+$/),
  ]);
  const pid = (await askSocket(server.socketPath)).pid;
  expect((await ask(server.addresses[0]!)).pid).toBe(pid);
  expect((await ask(server.addresses[2]!)).pid).toBe(pid);
  expect(await server.stop()).toEqual({ code: 0, signal: null });
  expect(existsSync(project.file('web.sock'))).toBe(false);
});

test('a Unix socket in use', async () => {
  server = await startXgi(['app:app', '-w', '1', '-b', 'unix:busy.sock'], { cwd });
  const second = spawnXgi(['app:app', '-w', '1', '-b', 'unix:busy.sock'], { cwd });
  expect(await second.exited).toEqual({ code: 1, signal: null });
  expect(second.stderr).toContain(`XGI_LISTEN_IN_USE: unix:${project.file('busy.sock')}`);
  expect((await askSocket(server.socketPath)).cwd).toBe(cwd);
});

const hasIpv6 = Object.values(networkInterfaces()).some((list) =>
  list?.some((entry) => entry.address === '::1'),
);

test('an IPv6 address', async () => {
  if (!hasIpv6) {
    // A machine without IPv6 must say that, and not fall over.
    const program = spawnXgi(['app:app', '-w', '1', '-b', '[::1]:0'], { cwd });
    expect(await program.exited).toEqual({ code: 1, signal: null });
    expect(program.stderr).toContain('XGI_LISTEN_FAILED: [::1]:0');
    return;
  }
  server = await startXgi(['app:app', '-w', '1', '-b', '[::1]:0'], { cwd });
  expect(server.origin).toMatch(/^http:\/\/\[::1\]:\d+$/);
  expect((await ask(server.origin)).cwd).toBe(cwd);
});

async function openSocket(): Promise<Server> {
  const socket = createServer().listen(0, '127.0.0.1');
  await once(socket, 'listening');
  return socket;
}

interface Handle {
  readonly _handle: { readonly fd: number };
}

/** Starts xgi through a shell, which can set LISTEN_PID to its own id, with a listening socket as descriptor 3. */
async function withDescriptor(
  script: string,
  socket: Server,
): Promise<{ stderr: () => string; stop: () => Promise<void> }> {
  const { fd } = (socket as unknown as Handle)._handle;
  const child = spawn('sh', ['-c', script, 'sh', process.execPath, cliMain], {
    cwd,
    stdio: ['ignore', 'ignore', 'pipe', fd],
    env: { ...process.env, PORT: '1', XGI_CMD_ARGS: undefined },
  });
  let stderr = '';
  child.stderr!.setEncoding('utf8');
  for await (const chunk of child.stderr!.iterator({ destroyOnReturn: false }) as AsyncIterable<string>) {
    stderr += chunk;
    if (stderr.includes('Booting')) break;
  }
  child.stderr!.on('data', (chunk: string) => (stderr += chunk));
  return {
    stderr: () => stderr,
    stop: async () => {
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}

test.each([
  ['fd://3', 'exec "$1" "$2" app:app -w 1 --allow-root -b fd://3'],
  [
    'LISTEN_FDS (systemd)',
    'LISTEN_FDS=1 LISTEN_PID=$$ LISTEN_FDNAMES=web exec "$1" "$2" app:app -w 1 --allow-root',
  ],
])('%s', async (_name, script) => {
  const socket = await openSocket();
  const { port } = socket.address() as AddressInfo;
  const program = await withDescriptor(script, socket);
  // From here on, only the gateway accepts.
  socket.close();
  expect(program.stderr()).toContain(`Listening at: http://127.0.0.1:${port} (`);
  const answer = await ask(`http://127.0.0.1:${port}`);
  expect(Object.keys(answer.env).filter((name) => name.startsWith('LISTEN_'))).toEqual([]);
  await program.stop();
});

test('LISTEN_FDS with TLS', async () => {
  const authority = new Authority();
  const { cert, key } = authority.issue('server');
  const socket = await openSocket();
  const { port } = socket.address() as AddressInfo;
  const flags = `--certfile ${cert} --keyfile ${key}`;
  const script = `LISTEN_FDS=1 LISTEN_PID=$$ exec "$1" "$2" app:app -w 1 --allow-root ${flags}`;
  const program = await withDescriptor(script, socket);
  socket.close();
  expect(program.stderr()).toContain(`Listening at: https://127.0.0.1:${port} (`);
  const { body } = await curl('--cacert', authority.cert, `https://localhost:${port}/`);
  expect(JSON.parse(body)).toMatchObject({ scheme: 'https' });
  await program.stop();
});

test('LISTEN_FDS for another process is not ours', async () => {
  server = spawnXgi(['app:app', '-w', '1'], { cwd, env: { LISTEN_FDS: '1', LISTEN_PID: '1', PORT: '0' } });
  await server.waitForOutput(/Listening at: http:\/\/0\.0\.0\.0:/);
  expect((await ask(`http://127.0.0.1:${server.port}`)).env['LISTEN_FDS']).toBeUndefined();
});

test('a descriptor that is no socket', async () => {
  server = spawnXgi(['app:app', '-w', '1', '-b', 'fd://99'], { cwd });
  expect(await server.exited).toEqual({ code: 1, signal: null });
  expect(server.stderr).toContain('XGI_LISTEN_FAILED: fd://99: the descriptor is not a listening socket');
});
