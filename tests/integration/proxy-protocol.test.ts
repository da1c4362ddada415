/** The PROXY protocol: who the client is, on real sockets. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { expect, onTestFinished, test } from 'vitest';
import type { GatewayRequest, GatewayResponse } from '../../src/types.js';
import { answer, startServer, type StartOptions } from '../support/http-server.js';
import { pollUntil } from '../support/poll.js';
import { makeTempDir } from '../support/temp-dir.js';
import { ca, startTlsServer } from '../support/tls-server.js';

const V1 = 'PROXY TCP4 203.0.113.7 198.51.100.2 56324 443\r\n';
const V2 = Buffer.concat([
  Buffer.from('\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c', 'latin1'),
  Buffer.from([203, 0, 113, 7, 198, 51, 100, 2, 0xdc, 0x04, 0x01, 0xbb]),
]);
const LOCAL = Buffer.from('\r\n\r\n\0\r\nQUIT\n\x20\0\0\0', 'latin1');
const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const CLIENT = '203.0.113.7:56324 by 198.51.100.2:443';

function tell({ clientAddress, clientPort, peer }: GatewayRequest): GatewayResponse {
  return answer(`${clientAddress}:${clientPort} by ${peer.localAddress}:${peer.localPort}`);
}

const start = (options: StartOptions = {}): ReturnType<typeof startServer> =>
  startServer(tell, { proxies: '127.0.0.1', ...options });

interface Client {
  readonly socket: Socket;
  /** What has come. */
  text(): string;
  readonly closed: Promise<string>;
}

function client(port: number): Client {
  const socket = connect(port, '127.0.0.1');
  let text = '';
  socket.setEncoding('latin1').on('data', (piece: string) => (text += piece));
  socket.on('error', () => {});
  const closed = new Promise<string>((resolve) => socket.on('close', () => resolve(text)));
  return { socket, text: () => text, closed };
}

async function bodiesOf(port: number, pieces: readonly (string | Buffer)[], count = 1): Promise<string[]> {
  const { socket, text } = client(port);
  for (const piece of pieces) {
    socket.write(piece);
    if (pieces.length > 1) await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const found = await pollUntil(() => {
    const bodies = text()
      .split(/(?=HTTP\/1\.1 )/)
      .map((response) => response.split('\r\n\r\n')[1] ?? '')
      .filter((body) => body !== '');
    return bodies.length === count && bodies;
  });
  socket.destroy();
  return found;
}

test.each<[string, readonly (string | Buffer)[]]>([
  ['version 1', [V1 + GET]],
  ['version 2', [Buffer.concat([V2, Buffer.from(GET)])]],
  ['version 1, and the request later', [V1, GET]],
  ['version 2, byte by byte', [...Buffer.concat([V2, Buffer.from(GET)])].map((byte) => Buffer.from([byte]))],
])('%s', async (_name, pieces) => {
  const { port } = await start();
  expect(await bodiesOf(port, pieces)).toEqual([CLIENT]);
});

test('it holds for all requests of the connection, and is not read again', async () => {
  const { port } = await start();
  expect(await bodiesOf(port, [V1 + GET + GET + GET], 3)).toEqual([CLIENT, CLIENT, CLIENT]);
  const { socket, closed } = client(port);
  socket.write(V1 + V1 + GET);
  expect(await closed).toMatch(/^HTTP\/1\.1 400 /);
});

test.each([
  ['version 2', LOCAL],
  ['version 1', Buffer.from('PROXY UNKNOWN\r\n')],
])('a connection of the proxy itself is what it looks like: %s', async (_name, header) => {
  const { port } = await start();
  const [body] = await bodiesOf(port, [Buffer.concat([header, Buffer.from(GET)])]);
  expect(body).toMatch(new RegExp(`^127\\.0\\.0\\.1:\\d+ by 127\\.0\\.0\\.1:${port}$`));
});

test('X-Forwarded-For counts if the client that the header names is a trusted proxy', async () => {
  const forwarded = 'GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.99\r\n\r\n';
  const trusting = await start({ trusted: '203.0.113.7' });
  expect((await bodiesOf(trusting.port, [V1 + forwarded]))[0]).toContain('192.0.2.99:0');
  // The proxy itself being one says nothing of its client.
  const other = await start({ trusted: '127.0.0.1' });
  expect(await bodiesOf(other.port, [V1 + forwarded])).toEqual([CLIENT]);
});

test('a body, right behind the head', async () => {
  const { port } = await start();
  const post = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello';
  expect(await bodiesOf(port, [V1 + post + GET], 2)).toEqual([CLIENT, CLIENT]);
});

/** Puts the header before what a client sends first, in one piece or some time before it. */
async function relay(port: number, together: boolean): Promise<number> {
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    near.on('error', () => far.destroy());
    far.on('error', () => near.destroy());
    if (!together) far.write(V1);
    near.once('data', (first: Buffer) => {
      far.write(together ? Buffer.concat([Buffer.from(V1), first]) : first);
      near.pipe(far).pipe(near);
    });
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

test.each([
  ['in one piece with the handshake', true],
  ['before the handshake', false],
])('with TLS behind it: %s', async (_name, together) => {
  const { port } = await startTlsServer(tell, { proxies: '127.0.0.1' });
  const secure = connectTls({ port: await relay(port, together), servername: 'localhost', ca });
  onTestFinished(() => void secure.destroy());
  let text = '';
  secure.on('data', (piece: Buffer) => (text += piece.toString('latin1')));
  secure.write(GET);
  await pollUntil(() => text.endsWith(CLIENT));
});

test('over a Unix-domain socket', async () => {
  const path = `${makeTempDir()}/socket`;
  await start({ endpoint: { kind: 'unix', path } });
  const socket = connect(path);
  let text = '';
  socket.on('data', (piece: Buffer) => (text += piece.toString('latin1')));
  socket.write(V1 + GET);
  await pollUntil(() => text.endsWith(CLIENT));
  socket.destroy();
});

test.each([
  ['no header', GET],
  ['a broken one', 'PROXY TCP4 nowhere 198.51.100.2 56324 443\r\n' + GET],
  ['TLS', Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00])],
])('%s: the connection is closed without a word, and nothing is served', async (_name, bytes) => {
  const { port, seen, log } = await start();
  const { socket, closed } = client(port);
  socket.write(bytes);
  expect(await closed).toBe('');
  expect(seen).toEqual([]);
  expect(log.some(({ message }) => message.startsWith('XGI_PROXY_HEADER: from 127.0.0.1: '))).toBe(true);
});

test('who is not named may not connect, whatever they send', async () => {
  const { port, seen, log } = await start({ proxies: '192.0.2.1' });
  const { socket, closed } = client(port);
  socket.write(V1 + GET);
  expect(await closed).toBe('');
  expect(seen).toEqual([]);
  expect(log.map(({ message }) => message)).toEqual([
    expect.stringMatching(/^XGI_PROXY_PEER: .*127\.0\.0\.1/),
  ]);
});

test('one that never sends its header, or only half of it, is closed at the deadline of heads', async () => {
  const { port, server } = await start({ deadlines: { headMs: 200 } });
  const silent = client(port);
  const half = client(port);
  half.socket.write(V1.slice(0, 20));
  await pollUntil(() => server.connections === 2);
  expect(await Promise.all([silent.closed, half.closed])).toEqual(['', '']);
  expect(server.connections).toBe(0);
});

test('clients that leave before, and a shutdown meanwhile, leave nothing', async () => {
  const { port, server } = await start();
  const leaving = client(port);
  leaving.socket.write('PROXY ');
  await pollUntil(() => server.connections === 1);
  leaving.socket.resetAndDestroy();
  await pollUntil(() => server.connections === 0);
  const waiting = client(port);
  await pollUntil(() => server.connections === 1);
  await server.shutdown(5000);
  expect(await waiting.closed).toBe('');
  expect(server.connections).toBe(0);
});

test('without --proxy-protocol a header is no request', async () => {
  const { port, seen } = await startServer(tell);
  const { socket, closed } = client(port);
  socket.write(V1 + GET);
  expect(await closed).toMatch(/^HTTP\/1\.1 400 /);
  expect(seen).toEqual([]);
});
