/** TLS on the command line, with real clients: what is served, and how a service with it lives. */
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { Agent, get } from 'node:https';
import { connect } from 'node:tls';
import path from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Authority, flagsOf, type CertificatePair } from '../support/certificates.js';
import { Project } from '../support/cli-project.js';
import { curl } from '../support/curl.js';
import { pollUntil } from '../support/poll.js';
import { killAllIn, startXgi, untilNothingIsLeft, type XgiServer } from '../support/xgi.js';

const APP = `
import json, os, time

def app(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/wait":
        open("running", "w").close()
        while not os.path.exists("go"):
            time.sleep(0.005)
    body = environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Type", "application/json")])
    if path == "/large":
        return (b"x" * 100000 for _ in range(50))
    wanted = ("HTTPS", "wsgi.url_scheme", "SERVER_PROTOCOL", "SERVER_PORT", "HTTP_HOST", "REMOTE_ADDR")
    told = {name: environ.get(name) for name in wanted}
    told["client"] = {name: value for name, value in environ.items() if name.startswith("SSL_")}
    told["length"] = len(body)
    told["pid"] = os.getpid()
    return [json.dumps(told).encode()]
`;

let authority: Authority;
let pair: CertificatePair;
let project: Project;
let server: XgiServer;

beforeAll(() => {
  authority = new Authority();
  pair = authority.issue('server');
});

beforeEach(() => {
  project = new Project();
  project.write('app.py', APP);
});

afterEach(() => killAllIn(project.directory));

async function start(...args: readonly string[]): Promise<void> {
  const flags = ['app:app', '-w', '1', ...args];
  server = await startXgi(flags, {
    cwd: project.directory,
    env: { PYTHONDONTWRITEBYTECODE: '1', XDG_CACHE_HOME: project.directory },
  });
  await server.waitForOutput(/Ready after/);
}

function trusting(...args: readonly string[]): ReturnType<typeof curl> {
  return curl('--cacert', authority.cert, '--http1.1', ...args);
}

describe('HTTP/1.1', () => {
  test('the application is told', async () => {
    await start(...flagsOf(pair));
    expect(server.origin).toMatch(/^https:/);
    const { status, httpVersion, body } = await trusting(server.origin);
    expect([status, httpVersion]).toEqual([200, '1.1']);
    expect(JSON.parse(body)).toMatchObject({
      HTTPS: 'on',
      'wsgi.url_scheme': 'https',
      SERVER_PROTOCOL: 'HTTP/1.1',
      SERVER_PORT: String(server.port),
      REMOTE_ADDR: '127.0.0.1',
      client: {},
    });
    expect((await server.stop()).code).toBe(0);
  });

  test('large bodies in both directions, many requests on a connection', async () => {
    await start(...flagsOf(pair));
    const file = project.write('upload', 'y'.repeat(3_000_000));
    const upload = await trusting('-T', file, server.url('/up'));
    expect(JSON.parse(upload.body)).toMatchObject({ length: 3_000_000 });
    const [one, ...rest] = [1, 2, 3].map((n) => server.url(`/large?${n}`));
    const { body, status } = await trusting(one!, ...rest);
    expect(status).toBe(200);
    expect(body.match(/x{100000}/g)?.length).toBe(150);
  });

  test('plain HTTP gets an answer in plain HTTP', async () => {
    await start(...flagsOf(pair));
    const { status, body } = await curl(`http://127.0.0.1:${server.port}/`);
    expect(status).toBe(400);
    expect(body).toContain('XGI_TLS_PLAIN_HTTP');
    expect((await trusting(server.origin)).status).toBe(200);
  });

  test.each([
    ['TLS 1.0', 'TLSv1' as const, false],
    ['TLS 1.1', 'TLSv1.1' as const, false],
    ['TLS 1.2', 'TLSv1.2' as const, true],
    ['TLS 1.3', 'TLSv1.3' as const, true],
  ])('%s', async (_, version, isSpoken) => {
    await start(...flagsOf(pair));
    const outcome = await new Promise<string>((resolve) => {
      const socket = connect({
        host: '127.0.0.1',
        port: server.port,
        ca: readFileSync(authority.cert),
        minVersion: version,
        maxVersion: version,
        // Node's own level refuses the old ones before anything is sent.
        ciphers: 'DEFAULT@SECLEVEL=0',
      });
      socket.on('secureConnect', () => resolve(socket.getProtocol()!));
      socket.on('error', (error) => resolve((error as NodeJS.ErrnoException).code!));
    });
    expect(outcome).toBe(isSpoken ? version : 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION');
  });

  test('a session goes on, also in another gateway', async () => {
    await start(...flagsOf(pair), '--gateways', '2', '-w', '2');
    const { session, isReused } = await resume(undefined);
    expect(isReused).toBe(false);
    // Both gateways have had some of them, very probably.
    for (let n = 0; n < 16; n++) expect((await resume(session)).isReused).toBe(true);
  });
});

interface Resumed {
  readonly isReused: boolean;
  readonly session: Buffer | undefined;
}

/** One request in a session, or in a new one. */
function resume(session: Buffer | undefined): Promise<Resumed> {
  return new Promise((resolve, reject) => {
    let last: Buffer | undefined;
    let isReused = false;
    const socket = connect({
      host: '127.0.0.1',
      port: server.port,
      ca: readFileSync(authority.cert),
      ...(session === undefined ? {} : { session }),
    });
    socket.on('session', (ticket) => (last = ticket));
    socket.on('secureConnect', () => (isReused = socket.isSessionReused()));
    socket.on('error', reject);
    socket.on('close', () => resolve({ isReused, session: last }));
    socket.resume();
    socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  });
}

describe('plain HTTP beside it', () => {
  test('--tls-redirect sends clients to https', async () => {
    await start(...flagsOf(pair), '--tls-redirect', '127.0.0.1:0');
    const plain = server.addresses.find((address) => address.startsWith('http:'))!;
    const { status, head } = await curl('-X', 'POST', '-d', 'x=1', `${plain}/a/b?c=%20`);
    expect(status).toBe(308);
    expect(head).toContain(`Location: https://127.0.0.1:${server.port}/a/b?c=%20\r\n`);
    const followed = await curl('-L', '--cacert', authority.cert, '-d', 'x=1', `${plain}/a`);
    expect(JSON.parse(followed.body)).toMatchObject({ HTTPS: 'on', length: 3 });
  });

  test('--tls-redirect chooses the endpoint on the address that the client has connected to', async () => {
    await start(...flagsOf(pair), '-b', '127.0.0.1:0', '-b', '127.0.0.2:0', '--tls-redirect', '0.0.0.0:0');
    const plain = new URL(server.addresses.find((address) => address.startsWith('http:'))!);
    for (const host of ['127.0.0.1', '127.0.0.2']) {
      const secure = server.addresses.find((address) => address.startsWith(`https://${host}:`))!;
      const { head } = await curl(`http://${host}:${plain.port}/a`);
      expect(head).toContain(`Location: ${secure}/a\r\n`);
    }
  });

  test('--hsts is said over TLS only', async () => {
    await start(...flagsOf(pair), '--hsts', '31536000', '--tls-redirect', '127.0.0.1:0');
    const plain = server.addresses.find((address) => address.startsWith('http:'))!;
    expect((await trusting(server.origin)).head).toContain('Strict-Transport-Security: max-age=31536000\r\n');
    expect((await curl(plain)).head).not.toContain('Strict-Transport-Security');
  });

  test('a Unix-domain socket has no TLS', async () => {
    await start(...flagsOf(pair), '-b', '127.0.0.1:0', '-b', 'unix:s');
    const { status, body } = await curl('--unix-socket', project.file('s'), 'http://a/');
    expect(status).toBe(200);
    expect(JSON.parse(body)).toMatchObject({ HTTPS: null });
    expect((await trusting(server.origin)).status).toBe(200);
  });
});

describe('--tls-local', () => {
  test('makes a certificate once, for the names of this machine, which only its user can read', async () => {
    await start('--tls-local');
    const [cert, key] = ['localhost.crt', 'localhost.key'].map((name) =>
      path.join(project.directory, 'xgi/tls-local', name),
    );
    expect(statSync(key!).mode & 0o777).toBe(0o600);
    expect(statSync(path.dirname(key!)).mode & 0o777).toBe(0o700);
    for (const host of ['localhost', '127.0.0.1'])
      expect((await curl('--cacert', cert!, `https://${host}:${server.port}/`)).status).toBe(200);
    const before = readFileSync(cert!, 'utf8');
    await server.stop();
    await start('--tls-local');
    expect(readFileSync(cert!, 'utf8')).toBe(before);
  });

  test('one that has expired, or is none, is made anew', async () => {
    await start('--tls-local');
    await server.stop();
    const cert = path.join(project.directory, 'xgi/tls-local/localhost.crt');
    writeFileSync(cert, readFileSync(authority.issue('old', { days: -1 }).cert));
    await start('--tls-local');
    expect((await curl('--cacert', cert, `https://localhost:${server.port}/`)).status).toBe(200);
  });
});

describe('the life of a service with TLS', () => {
  test('a request that runs is answered when it stops', async () => {
    await start(...flagsOf(pair));
    const answer = trusting(server.url('/wait'));
    await project.running();
    const stopped = server.stop();
    await server.waitForOutput(/Stopping:/);
    project.letGo();
    expect((await answer).status).toBe(200);
    expect((await stopped).code).toBe(0);
  });

  test('SIGUSR2 hands over, with the redirect', async () => {
    await start(...flagsOf(pair), '--tls-redirect', '127.0.0.1:0', '--gateways', '2', '-w', '2');
    const plain = server.addresses.find((address) => address.startsWith('http:'))!;
    process.kill(server.pid, 'SIGUSR2');
    const [, successor] = await server.waitForOutput(/Handing over to (\d+)/);
    await pollUntil(() => server.child.exitCode === 0, { what: 'the end of the first' });
    expect((await trusting(server.origin)).status).toBe(200);
    expect((await curl(`${plain}/x`)).head).toContain(`https://127.0.0.1:${server.port}/x`);
    process.kill(Number(successor), 'SIGTERM');
    await untilNothingIsLeft(project.directory);
  });

  test('connections that stay open are used again, and end with the service', async () => {
    await start(...flagsOf(pair));
    const agent = new Agent({ keepAlive: true, maxSockets: 1, ca: readFileSync(authority.cert) });
    const ports = new Set<number>();
    for (let n = 0; n < 3; n++) {
      await new Promise<void>((resolve, reject) => {
        const sent = get(server.origin, { agent }, (response) => {
          ports.add(response.socket.localPort!);
          response.resume();
          response.on('end', resolve);
        });
        sent.on('error', reject);
      });
    }
    expect(ports.size).toBe(1);
    expect((await server.stop()).code).toBe(0);
    agent.destroy();
  });
});
