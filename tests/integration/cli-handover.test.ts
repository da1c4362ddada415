/** USR2: a successor from the installed files serves on the same sockets, and this process ends when its requests are answered. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ask, hear, Project, sayingApp } from '../support/cli-project.js';
import { cliMain } from '../support/paths.js';
import { pollUntil } from '../support/poll.js';
import { Program } from '../support/process.js';
import { testPython } from '../support/test-env.js';
import {
  isRunning,
  killAllIn,
  processesIn,
  readStatus,
  startXgi,
  untilNothingIsLeft,
  type XgiServer,
} from '../support/xgi.js';

let project: Project;
let server: XgiServer;
let control: string[];

beforeEach(() => {
  project = new Project();
  control = ['--control-socket', project.file('control')];
});

afterEach(() => killAllIn(project.directory));

async function start(args: readonly string[] = [], variables: Record<string, string> = {}): Promise<void> {
  const env = { PYTHONDONTWRITEBYTECODE: '1', ...variables };
  const all = ['app:app', '-w', '1', '-p', 'run.pid', ...control, ...args];
  server = await startXgi(all, { cwd: project.directory, env });
  await untilReady(server.pid);
}

async function untilReady(pid: number): Promise<void> {
  await pollUntil(
    async () => {
      const told = await readStatus(control, {});
      return told?.pid === pid && told.state === 'ready';
    },
    { what: `process ${pid} to be ready`, deadlineMs: 20_000 },
  );
}

/** Resolves when another process than that serves, which has the control socket by then. */
async function handOver(from: number): Promise<number> {
  process.kill(from, 'SIGUSR2');
  const line = new RegExp(`\\[${from}\\] \\[INFO\\] Handing over to (\\d+)\\n`);
  const successor = Number((await server.waitForOutput(line))[1]);
  expect(successor).not.toBe(from);
  await untilReady(successor);
  return successor;
}

/** The id of the process that USR2 has started, as the log tells it. */
async function successorPid(): Promise<number> {
  return await pollUntil(() => server.mainPids[1], { what: 'a successor' });
}

/** The status that the first process ended with. Its `exited` waits for its successors, which have the same standard error. */
async function endOfFirst(): Promise<number | null> {
  await pollUntil(() => server.child.exitCode !== null || server.child.signalCode !== null, {
    what: 'the end of the first process',
    deadlineMs: 20_000,
  });
  return server.child.exitCode;
}

async function stop(pid: number): Promise<void> {
  process.kill(pid, 'SIGTERM');
  await untilNothingIsLeft(project.directory);
}

function pidFile(): string {
  return readFileSync(project.file('run.pid'), 'utf8');
}

test('another process serves at the same address; the old one answers what it has, and ends', async () => {
  await start();
  const answer = fetch(server.url('/wait'));
  await project.running();
  project.write('app.py', sayingApp('new'));

  const successor = await handOver(server.pid);
  expect(await hear(server.origin)).toBe('new');
  expect(new Set(server.addresses)).toEqual(new Set([server.origin]));
  expect(pidFile()).toBe(`${successor}\n`);
  expect(isRunning(server.pid)).toBe(true);

  project.letGo();
  const response = await answer;
  expect([response.status, response.headers.get('connection')]).toEqual([200, 'close']);
  expect(await endOfFirst()).toBe(0);
  expect(await hear(server.origin)).toBe('new');
  expect(pidFile()).toBe(`${successor}\n`);
  expect((await readStatus(control, {}))?.pid).toBe(successor);

  await stop(successor);
  expect([existsSync(project.file('run.pid')), existsSync(project.file('control'))]).toEqual([false, false]);
});

test('a chain of four, at a Unix socket whose path stays until the last one ends', async () => {
  await start(['-b', 'unix:web.sock', '-b', '127.0.0.1:0']);
  const { ino } = lstatSync(server.socketPath);
  const pids = [server.pid];
  for (let i = 0; i < 3; i++) {
    pids.push(await handOver(pids.at(-1)!));
    await pollUntil(() => !isRunning(pids.at(-2)!), { what: 'the end of the predecessor' });
    expect(lstatSync(server.socketPath).ino).toBe(ino);
    expect((await askAtSocket()).cwd).toBe(project.directory);
    expect((await ask(server.origin)).cwd).toBe(project.directory);
  }
  expect(new Set(pids).size).toBe(4);
  expect(server.mainPids).toEqual(pids);
  expect(await endOfFirst()).toBe(0);
  await stop(pids.at(-1)!);
  expect(existsSync(server.socketPath)).toBe(false);
});

async function askAtSocket(): Promise<{ cwd: string }> {
  const outgoing = request({ socketPath: server.socketPath, path: '/' }).end();
  const [response] = (await once(outgoing, 'response')) as [NodeJS.ReadableStream];
  return JSON.parse(await text(response)) as { cwd: string };
}

test('under load no request is lost', async () => {
  await start();
  let isOver = false;
  const clients = Array.from({ length: 8 }, async () => {
    let answers = 0;
    // Without keep-alive: each request is a new connection.
    while (!isOver) {
      const response = await fetch(server.origin, { headers: { connection: 'close' } });
      expect(response.status).toBe(200);
      await response.text();
      answers++;
    }
    return answers;
  });
  const all = Promise.all(clients);
  all.catch(() => (isOver = true));
  let pid = server.pid;
  for (let i = 0; i < 2; i++) pid = await handOver(pid);
  isOver = true;
  expect((await all).every((answers) => answers > 0)).toBe(true);
});

describe('a successor that does not serve', () => {
  async function expectOldGoesOn(): Promise<void> {
    await server.waitForOutput(
      /\[ERROR\] XGI_HANDOVER: the successor does not serve: it ended; its log tells why; this process goes on\n/,
    );
    expect((await ask(server.origin)).cwd).toBe(project.directory);
    expect(pidFile()).toBe(`${server.pid}\n`);
    await untilReady(server.pid);
    expect(server.child.exitCode).toBeNull();
  }

  test('as the code is broken: the old goes on, and may try again', async () => {
    await start();
    const app = readFileSync(project.file('app.py'), 'utf8');
    project.write('app.py', 'def app(:\n');
    server.child.kill('SIGUSR2');
    await expectOldGoesOn();
    expect(server.stderr).toMatch(/SyntaxError[^]*\nxgi: XGI_APP_[A-Z_]+: .*\n/);
    project.write('app.py', app);
    await handOver(server.pid);
    expect((await ask(server.origin)).cwd).toBe(project.directory);
  });

  test('as it is killed while it boots', async () => {
    await start();
    const app = readFileSync(project.file('app.py'), 'utf8');
    project.write('app.py', `open("booting", "w").close()\nimport time\ntime.sleep(1000)\n${app}`);
    server.child.kill('SIGUSR2');
    await pollUntil(() => existsSync(project.file('booting')), { what: 'the successor to boot' });
    process.kill(await successorPid(), 'SIGKILL');
    await expectOldGoesOn();
  });
});

describe('while a successor boots', () => {
  let app: string;

  /** Its application waits for the file `go`. @returns its process id */
  async function startSlowly(args: readonly string[] = []): Promise<number> {
    await start(args);
    app = readFileSync(project.file('app.py'), 'utf8');
    project.write('app.py', `${app}\nwait()\n`);
    server.child.kill('SIGUSR2');
    await project.running();
    return await successorPid();
  }

  test('another USR2 starts no other one', async () => {
    const successor = await startSlowly();
    server.child.kill('SIGUSR2');
    await server.waitForOutput(
      /\[WARNING\] XGI_HANDOVER: no successor is started: one is being started already\n/,
    );
    process.kill(successor, 'SIGUSR2');
    await server.waitForOutput(
      /\[WARNING\] XGI_HANDOVER: no successor is started: this process does not serve yet\n/,
    );
    project.letGo();
    await untilReady(successor);
    expect(server.mainPids).toEqual([server.pid, successor]);
  });

  test('TERM for the old one ends both', async () => {
    await startSlowly(['--graceful-timeout', '1s']);
    server.child.kill('SIGTERM');
    await untilNothingIsLeft(project.directory);
    expect(await endOfFirst()).toBe(0);
    expect(server.stderr).not.toContain('Handing over');
    expect(server.stderr).not.toContain('CRITICAL');
    expect(existsSync(project.file('run.pid'))).toBe(false);
  });

  test('the old one dies: the successor serves', async () => {
    const successor = await startSlowly();
    server.child.kill('SIGKILL');
    await pollUntil(() => !isRunning(server.pid));
    project.letGo();
    await untilReady(successor);
    expect((await ask(server.origin)).cwd).toBe(project.directory);
    expect(pidFile()).toBe(`${successor}\n`);
    expect(server.stderr).not.toContain('CRITICAL');
  });
});

test('the old one hangs as it is told that the successor serves: that has the pid file all the same', async () => {
  await start();
  const app = readFileSync(project.file('app.py'), 'utf8');
  project.write('app.py', `${app}\nwait()\n`);
  server.child.kill('SIGUSR2');
  await project.running();
  server.child.kill('SIGSTOP');
  project.letGo();
  const successor = await successorPid();
  await untilReady(successor);
  expect(pidFile()).toBe(`${successor}\n`);
  server.child.kill('SIGCONT');
  expect(await endOfFirst()).toBe(0);
  expect(pidFile()).toBe(`${successor}\n`);
});

test('USR2 to a process that is being stopped starts nothing', async () => {
  await start();
  const answer = fetch(server.url('/wait'));
  await project.running();
  server.child.kill('SIGTERM');
  await server.waitForOutput(/Handling signal: term/);
  server.child.kill('SIGUSR2');
  await server.waitForOutput(
    /\[WARNING\] XGI_HANDOVER: no successor is started: this process is being stopped\n/,
  );
  project.letGo();
  expect((await answer).status).toBe(200);
  expect(await server.exited).toEqual({ code: 0, signal: null });
  expect(server.mainPids).toEqual([server.pid]);
});

test('TERM for the old one, whose request still runs, ends it as any; the successor serves on', async () => {
  await start();
  const answer = fetch(server.url('/wait')).catch(() => {});
  await project.running();
  const successor = await handOver(server.pid);
  server.child.kill('SIGTERM');
  expect(await endOfFirst()).toBe(1);
  await answer;
  expect((await ask(server.origin)).cwd).toBe(project.directory);
  expect(isRunning(successor)).toBe(true);
});

test('what the successor cannot have is a warning: it serves without', async () => {
  await start();
  server.child.kill('SIGUSR2');
  await pollUntil(() => server.mainPids.length === 2);
  // Not even root can replace a folder by a file.
  for (const name of ['run.pid', 'control']) {
    rmSync(project.file(name));
    mkdirSync(project.file(name));
  }
  const successor = Number((await server.waitForOutput(/Handing over to (\d+)\n/))[1]);
  await server.waitForOutput(/\[WARNING\] XGI_PID_UNWRITABLE: .*; this process serves without\n/);
  await server.waitForOutput(/\[WARNING\] XGI_CONTROL_LISTEN: .*; this process serves without\n/);
  expect(await endOfFirst()).toBe(0);
  expect((await ask(server.origin)).cwd).toBe(project.directory);
  expect(processesIn(project.directory)).toContain(successor);
});

test.each([
  ['fd://3', 'exec "$1" "$2" app:app -w 1 --allow-root -b fd://3 --control-socket control'],
  [
    'LISTEN_FDS (systemd)',
    'LISTEN_FDS=1 LISTEN_PID=$$ exec "$1" "$2" app:app -w 1 --allow-root --control-socket control',
  ],
])('a socket that the first process has inherited: %s', async (_name, script) => {
  const socket = createServer().listen(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address() as AddressInfo;
  const { fd } = (socket as unknown as { _handle: { fd: number } })._handle;
  const first = spawn('sh', ['-c', script, 'sh', process.execPath, cliMain], {
    cwd: project.directory,
    stdio: ['ignore', 'ignore', 'ignore', fd],
    env: { ...process.env, PORT: '1', XGI_CMD_ARGS: undefined },
  });
  socket.close();
  await untilReady(first.pid!);
  const before = await ask(`http://127.0.0.1:${port}`);

  first.kill('SIGUSR2');
  expect(await once(first, 'exit')).toEqual([0, null]);
  const told = await pollUntil(() => readStatus(control, {}));
  expect(told).toMatchObject({ listening: [`http://127.0.0.1:${port}`] });
  expect(told.pid).not.toBe(first.pid);
  const after = await ask(`http://127.0.0.1:${port}`);
  expect(after.pid).not.toBe(before.pid);
  // Of the hand-over itself the application sees nothing.
  const own = /^(XGI_|LISTEN_|NODE_CHANNEL)/;
  expect(Object.keys(after.env).filter((name) => own.test(name))).toEqual([]);
  await stop(told.pid);
});

/** Prints each message that a service manager gets, in one line. */
const SERVICE_MANAGER = `
import socket, sys

manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
manager.bind(sys.argv[1])
print("bound", flush=True)
while True:
    print("told:", manager.recvfrom(65536)[0].decode().replace("\\n", " "), flush=True)
`;

test('the service manager is told of the new main process, which is not a child of the old one', async () => {
  const manager = new Program(testPython(), ['-c', SERVICE_MANAGER, project.file('notify')]);
  await manager.waitForOutput(/bound/);
  try {
    await start([], { NOTIFY_SOCKET: project.file('notify'), WATCHDOG_USEC: '60000000' });
    const answer = fetch(server.url('/wait'));
    await project.running();
    const successor = await handOver(server.pid);
    expect(readFileSync(`/proc/${successor}/stat`, 'latin1')).not.toMatch(
      new RegExp(`^\\d+ \\(.*\\) . ${server.pid} `),
    );
    project.letGo();
    await answer;
    expect(await endOfFirst()).toBe(0);
    process.kill(successor, 'SIGTERM');
    await manager.waitForOutput(/STOPPING=1/);
    const told = manager.stdout.match(/(?:READY|MAINPID|RELOADING|STOPPING)=\d+/g);
    expect(told).toEqual(['READY=1', `MAINPID=${successor}`, 'READY=1', 'STOPPING=1']);
  } finally {
    await manager.stop('SIGKILL');
  }
});

test('the workers of a successor hold none of its sockets', async () => {
  await start();
  const successor = await handOver(server.pid);
  // The columns of proc_net_tcp(5): number, local address, remote address, state (0A: listening), …, inode.
  const port = server.port.toString(16).toUpperCase().padStart(4, '0');
  const line = new RegExp(`^ *\\d+: [0-9A-F]+:${port} \\S+ 0A (?:\\S+ +){5}(\\d+) `, 'm');
  const socket = `socket:[${line.exec(readFileSync('/proc/net/tcp', 'latin1'))?.[1]}]`;
  const { pid: worker } = await ask(server.origin);
  expect(descriptorsOf(successor)).toContain(socket);
  expect(descriptorsOf(worker)).not.toContain(socket);
});

function descriptorsOf(pid: number): string[] {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).flatMap((fd) => {
    try {
      return [readlinkSync(`${folder}/${fd}`)];
    } catch {
      // Closed since.
      return [];
    }
  });
}
