/** The engine of HTTP/1.1 on a TLS socket: what could be otherwise than on a plain one. */
import { once } from 'node:events';
import { connect, type TLSSocket } from 'node:tls';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ResponseHead } from '../../src/http/response-head.js';
import type { Handler } from '../../src/types.js';
import { curl } from '../support/curl.js';
import { answer, deferred, echo, hello, streamed, TestSource } from '../support/http-server.js';
import { pollUntil } from '../support/poll.js';
import { run } from '../support/process.js';
import { authority, ca, startTlsServer } from '../support/tls-server.js';

const LARGE = Buffer.alloc(8_000_000, 'x');
const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

class Client {
  readonly socket: TLSSocket;
  text = '';
  ended = false;

  private constructor(socket: TLSSocket) {
    this.socket = socket;
    socket.setEncoding('latin1');
    socket.on('data', (text) => (this.text += String(text)));
    socket.on('end', () => (this.ended = true));
    socket.on('error', () => {});
  }

  static async connect(port: number): Promise<Client> {
    const options = { host: '127.0.0.1', port, ca, servername: 'localhost', allowHalfOpen: true };
    const socket = connect(options);
    onTestFinished(() => void socket.destroy());
    await once(socket, 'secureConnect');
    return new Client(socket);
  }

  async until(text: string): Promise<void> {
    await pollUntil(() => this.text.includes(text), { what: JSON.stringify(text) });
  }
}

test('pipelined requests, one byte at a time', async () => {
  const { port } = await startTlsServer(echo);
  const client = await Client.connect(port);
  const text =
    'POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET /b HTTP/1.1\r\nHost: a\r\n\r\n';
  for (const byte of text) client.socket.write(byte);
  await client.until('POST /a\nabc');
  await client.until('GET /b\n');
});

test('an upload that is not read holds the client back', async () => {
  const wanted = deferred();
  let received = 0;
  const { port } = await startTlsServer(async ({ body }) => {
    await wanted.promise;
    return await new Promise((resolve, reject) =>
      body!.consume({
        data: (chunk) => (received += chunk.length),
        end: () => resolve(answer(String(received))),
        error: reject,
      }),
    );
  });
  const client = await Client.connect(port);
  client.socket.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${4 * LARGE.length}\r\n\r\n`);
  for (let i = 0; i < 4; i++) client.socket.write(LARGE);
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(client.socket.writableLength).toBeGreaterThan(LARGE.length);
  wanted.resolve();
  await client.until(`\r\n\r\n${4 * LARGE.length}`);
});

describe('a client that leaves', () => {
  const waiting = (): { handler: Handler; aborted: Promise<void> } => {
    const { promise, resolve } = deferred();
    return {
      aborted: promise,
      handler: (request) => {
        request.onAbort(() => resolve());
        // As the WSGI handler: whoever has gone answers with a reset.
        request.onInputEnd({ inputEnded: () => request.inform(new ResponseHead(100)) });
        return new Promise(() => {});
      },
    };
  };

  test.each([
    ['by a reset', (socket: TLSSocket) => socket.destroy()],
    ['by its end, and is gone then', (socket: TLSSocket) => socket.end(() => socket.destroy())],
  ])('%s', async (_, leave) => {
    const { handler, aborted } = waiting();
    const { port, seen, server } = await startTlsServer(handler);
    const client = await Client.connect(port);
    client.socket.write(GET);
    await pollUntil(() => seen.length === 1, { what: 'the request' });
    leave(client.socket);
    await aborted;
    await pollUntil(() => server.connections === 0, { what: 'the end of the connection' });
  });

  test('not, if it ends its input and reads on', async () => {
    const held = deferred();
    const { port, seen } = await startTlsServer(async () => {
      await held.promise;
      return answer('late');
    });
    const client = await Client.connect(port);
    client.socket.end(GET);
    await pollUntil(() => seen.length === 1, { what: 'the request' });
    await new Promise((resolve) => setTimeout(resolve, 150));
    held.resolve();
    await client.until('late');
    await pollUntil(() => client.ended, { what: 'the end' });
  });
});

test('a response of which only the end of the connection tells: with close_notify it is complete, without it is not', async () => {
  const { port } = await startTlsServer(({ path }) =>
    streamed(
      new TestSource((sink) => {
        sink.data(Buffer.from('part'));
        if (path === '/broken') sink.error(new Error('broken'));
        else sink.end();
      }),
    ),
  );
  // curl and Node say the same of both ends; OpenSSL itself tells them apart.
  const ask = (path: string): ReturnType<typeof run> => {
    const client = `openssl s_client -quiet -CAfile ${authority.cert} -connect localhost:${port}`;
    return run('sh', ['-c', `printf 'GET ${path} HTTP/1.0\\r\\n\\r\\n' | ${client}`]);
  };
  const whole = await ask('/');
  expect(whole.stdout).toMatch(/^HTTP\/1\.1 200 [^]*part$/);
  expect(whole.stderr).not.toContain('unexpected eof');
  const broken = await ask('/broken');
  expect(broken.stdout).toMatch(/part$/);
  expect(broken.stderr).toContain('unexpected eof');
  expect((await curl('--http1.0', '--cacert', authority.cert, `https://localhost:${port}/`)).body).toBe(
    'part',
  );
});

test('a client that takes nothing is cut off; one that takes little is not', async () => {
  const { port, server } = await startTlsServer(() => answer(LARGE), { deadlines: { writeIdleMs: 400 } });
  const stalled = await Client.connect(port);
  stalled.socket.pause();
  stalled.socket.write(GET);
  const slow = await Client.connect(port);
  slow.socket.write(GET);
  const { socket } = slow;
  // Some every 100 ms: the kernel's buffers in between are large.
  const timer = setInterval(() => {
    socket.resume();
    setImmediate(() => socket.pause());
  }, 20);
  onTestFinished(() => clearInterval(timer));
  await pollUntil(() => server.connections === 1, { what: 'the stalled one to be cut off' });
  await pollUntil(() => slow.text.length > LARGE.length, { what: 'all of the slow one', deadlineMs: 20_000 });
});

test('an idle connection ends with close_notify', async () => {
  const { port } = await startTlsServer(hello, { deadlines: { keepAliveMs: 100 } });
  const client = await Client.connect(port);
  client.socket.write(GET);
  await client.until('hello');
  await pollUntil(() => client.ended, { what: 'the end' });
});
