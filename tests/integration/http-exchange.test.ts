/** One connection, from the outside: framing, pipelines, half-close, Expect, interim responses, errors. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { GatewayError } from '../../src/errors.js';
import { ResponseHead } from '../../src/http/response-head.js';
import type { GatewayRequest, GatewayResponse, Handler } from '../../src/types.js';
import { RawClient, turns } from '../support/http-client.js';
import {
  answer,
  deferred,
  echo,
  hello,
  readBody,
  startServer,
  streamed,
  TestSource,
} from '../support/http-server.js';
import { pollUntil } from '../support/poll.js';
import { isMissing } from '../support/test-env.js';

const HOST = 'Host: a\r\n';
/** As proc(5) has it under `tr`. */
const KEEPALIVE = '02';

/** Of the server's end of a connection. */
function timerOf(port: number, clientPort: number): string | undefined {
  const ends = [port, clientPort].map((end) => `0100007F:${end.toString(16).toUpperCase().padStart(4, '0')}`);
  return new RegExp(`${ends.join(' ')} \\S+ \\S+ (\\S\\S):`).exec(
    readFileSync('/proc/net/tcp', 'latin1'),
  )?.[1];
}

const get = (target = '/', fields = ''): string => `GET ${target} HTTP/1.1\r\n${HOST}${fields}\r\n`;
const post = (fields: string, body = '', target = '/'): string =>
  `POST ${target} HTTP/1.1\r\n${HOST}${fields}\r\n${body}`;

describe('real clients', () => {
  test('fetch: keep-alive, bodies both ways', async () => {
    const { url, server } = await startServer(echo);
    for (const size of [0, 1, 100_000, 2_000_000]) {
      const body = 'x'.repeat(size);
      const response = await fetch(`${url}/p?q`, { method: 'POST', body });
      expect(response.status).toBe(200);
      expect(await response.text()).toBe(`POST /p?q\n${body}`);
    }
    // fetch opens a second one when the first is not yet free again.
    expect(server.connections).toBeLessThan(3);
  });

  test('fetch: a chunked request body', async () => {
    const { url } = await startServer(echo);
    const body = new ReadableStream({
      start(controller) {
        for (const text of ['a', 'bc', 'd'.repeat(100_000)])
          controller.enqueue(new TextEncoder().encode(text));
        controller.close();
      },
    });
    const response = await fetch(url, { method: 'POST', body, duplex: 'half' } as RequestInit);
    expect(await response.text()).toBe(`POST /\nabc${'d'.repeat(100_000)}`);
  });

  describe.skipIf(isMissing('curl'))('curl', () => {
    const curl = async (...args: string[]): Promise<string> =>
      (await promisify(execFile)('curl', ['-sS', '--max-time', '8', ...args], { encoding: 'latin1' })).stdout;

    test('GET, POST with Expect: 100-continue, HEAD, HTTP/1.0', async () => {
      const { url } = await startServer(echo);
      expect(await curl(`${url}/a`, `${url}/b`)).toBe('GET /a\nGET /b\n');
      const body = 'x'.repeat(2_000_000);
      const sent = execFile('curl', ['-sS', '-H', 'Expect: 100-continue', '--data-binary', '@-', url], {
        maxBuffer: 1e7,
      });
      sent.stdin!.end(body);
      let received = '';
      for await (const text of sent.stdout!) received += text;
      expect(received.length).toBe('POST /\n'.length + body.length);
      expect(await curl('-I', url)).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*\r\nContent-Length: 7\r\n\r\n$/);
      expect(await curl('-0', '-i', url)).toMatch(/\r\nConnection: close\r\n\r\nGET \/\n$/);
    });

    test('a chunked stream', async () => {
      const { url } = await startServer(() =>
        streamed(
          new TestSource((sink) => {
            sink.data(Buffer.from('one '));
            sink.data(Buffer.from('two'));
            sink.end();
          }),
        ),
      );
      expect(await curl('-i', url)).toMatch(/\r\nTransfer-Encoding: chunked\r\n\r\none two$/);
    });
  });
});

describe('persistence', () => {
  test('HTTP/1.1 goes on, HTTP/1.1 with close and HTTP/1.0 do not, HTTP/1.0 with keep-alive does', async () => {
    const { port, seen } = await startServer(hello);
    const client = await RawClient.connect(port);
    const first = await client.send(get('/1')).response();
    expect(first.fields['connection']).toBeUndefined();
    const second = await client.send('GET /2 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n').response();
    expect(second.fields['connection']).toBe('keep-alive');
    const third = await client.send(get('/3', 'Connection: close\r\n') + get('/4')).response();
    expect(third.fields['connection']).toBe('close');
    await client.expectEnd();
    const old = await RawClient.connect(port);
    expect((await old.send('GET /5 HTTP/1.0\r\n\r\n').response()).fields['connection']).toBe('close');
    await old.expectEnd();
    expect(seen).toEqual(['GET /1', 'GET /2', 'GET /3', 'GET /5']);
  });
});

describe('pipelines', () => {
  test('responses leave in the order of the requests, whatever the handlers take', async () => {
    const waiting = new Map<string, () => void>();
    let open = 0;
    const { port } = await startServer(async (request) => {
      expect(++open).toBe(1);
      const gate = deferred();
      waiting.set(request.path, () => gate.resolve());
      if (request.path !== '/quick') await gate.promise;
      open--;
      return answer(request.path);
    });
    const client = await RawClient.connect(port);
    client.send(
      get('/slow') + get('/quick') + post('Content-Length: 3\r\n', 'abc', '/slow2') + get('/quick'),
    );
    await pollUntil(() => waiting.get('/slow'), { what: '/slow' });
    expect([...waiting.keys()]).toEqual(['/slow']);
    waiting.get('/slow')!();
    expect((await client.response()).body).toBe('/slow');
    expect((await client.response()).body).toBe('/quick');
    waiting.get('/slow2')!();
    expect((await client.response()).body).toBe('/slow2');
    expect((await client.response()).body).toBe('/quick');
  });

  test('a thousand requests in one write', async () => {
    const { port } = await startServer(echo);
    const client = await RawClient.connect(port);
    client.send(
      Array.from({ length: 1000 }, (_, i) => post('Content-Length: 4\r\n', `${i}`.padStart(4), `/${i}`)).join(
        '',
      ),
    );
    for (let i = 0; i < 1000; i++)
      expect((await client.response()).body).toBe(`POST /${i}\n${`${i}`.padStart(4)}`);
  });

  test('byte by byte', async () => {
    const { port } = await startServer(echo);
    const client = await RawClient.connect(port);
    const text =
      get('/1') + post('Transfer-Encoding: chunked\r\n', '2\r\nab\r\n1\r\nc\r\n0\r\nX: y\r\n\r\n', '/2');
    for (const byte of text) {
      client.send(byte);
      await new Promise(setImmediate);
    }
    expect((await client.response()).body).toBe('GET /1\n');
    expect((await client.response()).body).toBe('POST /2\nabc');
  });
});

describe('half-close', () => {
  test.each<[string, string, string[]]>([
    ['a request', get('/1'), ['GET /1\n']],
    ['a request with a body', post('Content-Length: 3\r\n', 'abc'), ['POST /\nabc']],
    ['a chunked request', post('Transfer-Encoding: chunked\r\n', '3\r\nabc\r\n0\r\n\r\n'), ['POST /\nabc']],
    ['two requests', get('/1') + get('/2'), ['GET /1\n', 'GET /2\n']],
    [
      'two requests with bodies',
      post('Content-Length: 1\r\n', 'a') + post('Content-Length: 1\r\n', 'b'),
      ['POST /\na', 'POST /\nb'],
    ],
    [
      'a large body',
      post('Content-Length: 300000\r\n', 'x'.repeat(300_000)),
      [`POST /\n${'x'.repeat(300_000)}`],
    ],
  ])('%s, then FIN: every answer comes', async (_name, text, bodies) => {
    // The FIN is there before the handler reads or answers.
    const gate = deferred();
    const { port } = await startServer(async (request) => {
      await gate.promise;
      return echo(request);
    });
    const client = await RawClient.connect(port);
    await client.endSeen(text);
    gate.resolve();
    for (const body of bodies) expect((await client.response()).body).toBe(body);
    await client.expectEnd();
  });

  test('a streamed answer is sent to its end after the FIN', async () => {
    const source = new TestSource();
    const { port } = await startServer(() => streamed(source));
    const client = await RawClient.connect(port);
    client.end(get());
    await client.untilText('\r\n\r\n');
    source.sink!.data(Buffer.from('late'));
    source.sink!.end();
    expect((await client.response()).body).toBe('late');
    await client.expectEnd();
    expect(source.cancelled).toBe(0);
  });

  test('while the answer is silent, a client that then goes away is noticed', async () => {
    const source = new TestSource();
    const { port } = await startServer(() => streamed(source));
    const client = await RawClient.connect(port);
    await client.endSeen(get());
    await client.untilText('\r\n\r\n');
    // One that went away with its FIN answers the system's questions with a reset when the system has forgotten it, a minute later.
    if (process.platform === 'linux') expect(timerOf(port, client.socket.localPort!)).toBe(KEEPALIVE);
    expect(source.cancelled).toBe(0);
    client.reset();
    await pollUntil(() => source.cancelled === 1);
  });

  test('FIN without a request: closed without a word', async () => {
    const { port, log } = await startServer(hello);
    const client = await RawClient.connect(port);
    client.end();
    await client.expectEnd();
    expect(log).toEqual([]);
  });

  test('FIN inside a head: 400', async () => {
    const { port, seen } = await startServer(hello);
    const client = await RawClient.connect(port);
    client.end('GET / HTTP/1.1\r\nHost');
    expect(await client.response()).toMatchObject({
      status: 400,
      body: expect.stringContaining('XGI_HTTP_HEAD_INCOMPLETE'),
    });
    await client.expectEnd();
    expect(seen).toEqual([]);
  });

  test.each([
    ['Content-Length: 10\r\n', 'abc'],
    ['Transfer-Encoding: chunked\r\n', '5\r\nab'],
  ])('FIN inside a body (%j): 400, and the consumer is told', async (fields, body) => {
    const failed = deferred<Error>();
    const { port } = await startServer((request) =>
      readBody(request).then(
        () => answer(),
        (error: Error) => {
          failed.resolve(error);
          throw error;
        },
      ),
    );
    const client = await RawClient.connect(port);
    client.end(post(fields, body));
    expect((await client.response()).status).toBe(400);
    await client.expectEnd();
    expect(await failed.promise).toMatchObject({ code: 'XGI_HTTP_BODY_INCOMPLETE' });
  });

  test('FIN inside a body that is asked for late: 400, too', async () => {
    const gate = deferred();
    const { port } = await startServer(async (request) => {
      await gate.promise;
      return echo(request);
    });
    const client = await RawClient.connect(port);
    await client.endSeen(post('Content-Length: 10\r\n', 'abc'));
    gate.resolve();
    expect((await client.response()).status).toBe(400);
    await client.expectEnd();
  });

  test('a request and a piece of another, then FIN: the answer, 400, and the end, without waiting for a deadline', async () => {
    const gate = deferred();
    const { port } = await startServer(async () => {
      await gate.promise;
      return answer('one');
    });
    const client = await RawClient.connect(port);
    await client.endSeen(`${get()}GET /2 HT`);
    gate.resolve();
    expect((await client.response()).body).toBe('one');
    expect((await client.response()).status).toBe(400);
    await client.expectEnd();
  });

  test('an answer without the body being read, then FIN: the answer is whole', async () => {
    const gate = deferred();
    const { port } = await startServer(async () => {
      await gate.promise;
      return answer('x'.repeat(500_000));
    });
    const client = await RawClient.connect(port);
    await client.endSeen(post('Content-Length: 10\r\n', 'abc'));
    gate.resolve();
    expect((await client.response()).body).toHaveLength(500_000);
  });
});

describe('framing of responses', () => {
  const statuses: Handler = (request) => {
    const status = Number(request.path.slice(1));
    return { head: new ResponseHead(status), body: { kind: 'bytes', bytes: status === 200 ? 'hello' : '' } };
  };

  test('HEAD has the head of GET, and no body', async () => {
    const { port } = await startServer(statuses);
    const client = await RawClient.connect(port);
    client.send(`HEAD /200 HTTP/1.1\r\n${HOST}\r\n`);
    const head = await client.response({ method: 'HEAD' });
    expect(head.fields['content-length']).toBe('5');
    expect((await client.send(get('/200')).response()).body).toBe('hello');
  });

  test.each([204, 304])(
    '%d has neither body nor framing fields, and the connection goes on',
    async (status) => {
      const { port } = await startServer((request) =>
        request.path === '/' ? answer('never sent', status) : answer('next'),
      );
      const client = await RawClient.connect(port);
      client.send(get('/') + get('/next'));
      const response = await client.response();
      expect(response.status).toBe(status);
      expect(response.fields['transfer-encoding']).toBeUndefined();
      expect(response.fields['content-length']).toBeUndefined();
      expect((await client.response()).body).toBe('next');
    },
  );

  test.each(['HEAD', 'GET'])(
    'a stream that may not be sent (%s) is cancelled, not started',
    async (method) => {
      const source = new TestSource();
      const { port } = await startServer(() => streamed(source, [], method === 'GET' ? 204 : 200));
      const client = await RawClient.connect(port);
      client.send(`${method} / HTTP/1.1\r\n${HOST}\r\n`);
      await client.response({ method });
      expect([source.cancelled, source.sink]).toEqual([1, undefined]);
      expect(client.received).toBe('');
    },
  );

  test('an empty body has Content-Length: 0', async () => {
    const { port } = await startServer(() => ({ head: new ResponseHead(404), body: { kind: 'empty' } }));
    const client = await RawClient.connect(port);
    const response = await client.send(get()).response();
    expect([response.status, response.fields['content-length']]).toEqual([404, '0']);
    expect((await client.send(get()).response()).status).toBe(404);
  });

  test('bytes that do not fit their Content-Length: too many are cut, too few are a 502', async () => {
    const { port, log } = await startServer((request) =>
      answer('12345', 200, ['Content-Length', request.path.slice(1)]),
    );
    const client = await RawClient.connect(port);
    expect((await client.send(get('/3')).response()).body).toBe('123');
    expect((await client.send(get('/5')).response()).body).toBe('12345');
    const short = await client.send(get('/6')).response();
    expect([short.status, short.body.includes('XGI_HTTP_BAD_RESPONSE')]).toEqual([502, true]);
    expect(log.at(-1)!.level).toBe('error');
  });

  test('latin-1 strings and buffers', async () => {
    const { port } = await startServer((request) =>
      answer(request.path === '/s' ? '\xe9\xff' : Buffer.from('\xe9\xff')),
    );
    const client = await RawClient.connect(port);
    expect((await client.send(get('/s')).response()).body).toBe('\xe9\xff');
    expect((await client.send(get('/b')).response()).body).toBe(Buffer.from('\xe9\xff').toString('latin1'));
  });

  test('interim and impossible final statuses of a handler are a 502', async () => {
    const { port } = await startServer((request) => ({
      head: new ResponseHead(request.path === '/103' ? 103 : 101),
      body: { kind: 'empty' },
    }));
    const client = await RawClient.connect(port);
    for (const target of ['/103', '/101'])
      expect((await client.send(get(target)).response()).status).toBe(502);
  });
});

describe('Expect: 100-continue', () => {
  const expecting = (length: number, target = '/'): string =>
    post(`Expect: 100-continue\r\nContent-Length: ${length}\r\n`, '', target);

  test('is answered when the body is asked for, not before', async () => {
    const gate = deferred();
    const { port, seen } = await startServer(async (request) => {
      await gate.promise;
      return echo(request);
    });
    const client = await RawClient.connect(port);
    client.send(expecting(3));
    await pollUntil(() => seen.length === 1, { what: 'the request' });
    await turns();
    expect(client.received).toBe('');
    gate.resolve();
    expect((await client.response()).head).toBe('HTTP/1.1 100 Continue\r\n\r\n');
    expect((await client.send('abc').response()).body).toBe('POST /\nabc');
    // Each request anew.
    client.send(expecting(1));
    expect((await client.response()).status).toBe(100);
    expect((await client.send('x').response()).body).toBe('POST /\nx');
  });

  test('is not answered when the body is there already', async () => {
    const { port } = await startServer(echo);
    const client = await RawClient.connect(port);
    expect((await client.send(`${expecting(3)}abc`).response()).body).toBe('POST /\nabc');
  });

  test('a final answer without the body being asked for closes the connection', async () => {
    const { port, seen } = await startServer(() => answer('no', 403));
    const client = await RawClient.connect(port);
    const response = await client.send(expecting(3)).response();
    expect([response.status, response.fields['connection']]).toEqual([403, 'close']);
    client.send(`abc${get('/next')}`);
    await client.expectEnd();
    expect(seen).toHaveLength(1);
  });

  test('an unknown expectation is 417', async () => {
    const { port, seen } = await startServer(hello);
    const client = await RawClient.connect(port);
    expect(
      (await client.send(post('Expect: miracles\r\nContent-Length: 1\r\n', 'x')).response()).status,
    ).toBe(417);
    await client.expectEnd();
    expect(seen).toEqual([]);
  });
});

describe('request bodies that nobody reads', () => {
  test('a short one is read and dropped, and the connection goes on', async () => {
    const { port } = await startServer(hello);
    const client = await RawClient.connect(port);
    client.send(post('Content-Length: 200000\r\n', 'x'.repeat(100_000)));
    expect((await client.response()).fields['connection']).toBeUndefined();
    client.send(`${'x'.repeat(100_000)}${get()}`);
    expect((await client.response()).body).toBe('hello');
  });

  test('a short chunked one, too', async () => {
    const { port } = await startServer(hello);
    const client = await RawClient.connect(port);
    client.send(post('Transfer-Encoding: chunked\r\n', '3\r\nabc\r\n'));
    expect((await client.response()).body).toBe('hello');
    expect((await client.send(`0\r\n\r\n${get()}`).response()).body).toBe('hello');
  });

  test.each([
    ['of known length', 'Content-Length: 20000000\r\n', ''],
    ['chunked', 'Transfer-Encoding: chunked\r\n', '2000000\r\n'],
  ])(
    'a long one, %s: the client reads the whole answer while it still sends',
    async (_name, fields, before) => {
      const { port, seen } = await startServer(() => answer('y'.repeat(100_000), 413));
      const client = await RawClient.connect(port);
      client.send(post(fields, before));
      await pollUntil(() => seen.length === 1, { what: 'the request' });
      // A client that does not look at the answer until it has sent a good deal. A reset would take the answer from it.
      client.socket.pause();
      for (let sent = 0; sent < 800_000; sent += 20_000) {
        client.send('x'.repeat(20_000));
        await new Promise(setImmediate);
      }
      client.socket.resume();
      expect(await client.response()).toMatchObject({ status: 413, body: 'y'.repeat(100_000) });
      expect(client.error).toBeUndefined();
      client.end();
      await client.until(() => client.ended || client.closed, 'the end');
      expect(seen).toHaveLength(1);
    },
  );

  test('a body whose reader has stopped in the middle', async () => {
    const { port } = await startServer((request) => {
      const first = deferred();
      request.body!.consume({
        data: () => {
          request.body!.pause();
          first.resolve();
        },
        end() {},
        error() {},
      });
      return first.promise.then(() => answer('enough'));
    });
    const client = await RawClient.connect(port);
    client.send(post('Content-Length: 6\r\n', 'abc'));
    expect((await client.response()).body).toBe('enough');
    client.send(`def${post('Content-Length: 1\r\n', 'x')}`);
    expect((await client.response()).body).toBe('enough');
  });
});

describe('both ways at once', () => {
  test('a stream made of the request body while that still comes', async () => {
    const { port } = await startServer((request) =>
      streamed(
        new TestSource((sink) => {
          request.body!.consume({
            data: (chunk) => sink.data(Buffer.from(chunk)),
            end: () => sink.end(),
            error: (error) => sink.error(error),
          });
        }),
      ),
    );
    const client = await RawClient.connect(port);
    client.send(post('Transfer-Encoding: chunked\r\n'));
    await client.untilText('\r\n\r\n');
    client.send('3\r\nabc\r\n');
    await client.untilText('3\r\nabc\r\n');
    client.send('2\r\nde\r\n0\r\n\r\n');
    expect((await client.response()).body).toBe('abcde');
    client.send(post('Content-Length: 2\r\n', 'xy'));
    expect((await client.response()).body).toBe('xy');
  });

  test('a body that was being read before the head of the stream went out', async () => {
    const { port } = await startServer((request) => {
      const source = new TestSource();
      const early: Buffer[] = [];
      request.body!.consume({
        data: (chunk) =>
          source.sink ? source.sink.data(Buffer.from(chunk)) : early.push(Buffer.from(chunk)),
        end: () => source.sink!.end(),
        error: (error) => source.sink!.error(error),
      });
      return streamed(source);
    });
    const client = await RawClient.connect(port);
    client.send(post('Content-Length: 50000\r\n'));
    await client.untilText('\r\n\r\n');
    client.send('x'.repeat(50_000));
    expect((await client.response()).body).toHaveLength(50_000);
  });

  test('what is left of the body when the stream has ended is dropped', async () => {
    const source = new TestSource();
    const { port } = await startServer((request) => {
      if (request.method === 'GET') return answer('next');
      request.body!.consume({ data() {}, end() {}, error() {} });
      return streamed(source);
    });
    const client = await RawClient.connect(port);
    client.send(post('Content-Length: 6\r\n', 'abc'));
    await client.untilText('\r\n\r\n');
    source.sink!.end();
    await client.response();
    expect((await client.send(`def${get()}`).response()).body).toBe('next');
  });
});

describe('interim responses', () => {
  const hints = new ResponseHead(103, ['Link', '</style.css>; rel=preload']);
  const informing: Handler = async (request) => {
    request.inform(hints);
    await Promise.resolve();
    request.inform(new ResponseHead(102));
    return answer('done');
  };

  test('go out before the answer', async () => {
    const { port } = await startServer(informing);
    const client = await RawClient.connect(port);
    client.send(get());
    expect((await client.response()).head).toBe(
      'HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n',
    );
    expect((await client.response()).status).toBe(102);
    expect((await client.response()).body).toBe('done');
  });

  test('are not sent to HTTP/1.0', async () => {
    const { port } = await startServer(informing);
    const client = await RawClient.connect(port);
    expect((await client.send('GET / HTTP/1.0\r\n\r\n').response()).status).toBe(200);
  });

  test.each([101, 200])('status %d is no interim response', async (status) => {
    const { port } = await startServer((request) => {
      request.inform(new ResponseHead(status));
      return answer();
    });
    const client = await RawClient.connect(port);
    expect((await client.send(get()).response()).status).toBe(502);
  });

  test('of a request that is over do not get into the next one', async () => {
    let first: GatewayRequest | undefined;
    const gate = deferred();
    const { port } = await startServer(async (request) => {
      if (first === undefined) {
        first = request;
        return answer('first');
      }
      first.inform(hints);
      await gate.promise;
      return answer('second');
    });
    const client = await RawClient.connect(port);
    await client.send(get()).response();
    client.send(get());
    gate.resolve();
    expect(await client.response()).toMatchObject({ status: 200, body: 'second' });
  });
});

describe('tunnels', () => {
  const upgrade = get('/', 'Connection: upgrade\r\nUpgrade: echo\r\n');
  const switching = new ResponseHead(101, ['Upgrade', 'echo']);

  test.each(['at once', 'later'])(
    'the handler answers %s: the socket is its own, with what came behind the head',
    async (when) => {
      const { port } = await startServer((request) => {
        expect(request.field('upgrade')).toBe('echo');
        const response = {
          head: switching,
          body: {
            kind: 'tunnel',
            accept: (socket, firstBytes) => {
              socket.write(firstBytes);
              socket.pipe(socket);
            },
          },
        } as const satisfies ReturnType<Handler>;
        return when === 'later' ? new Promise((resolve) => setImmediate(() => resolve(response))) : response;
      });
      const client = await RawClient.connect(port);
      client.send(`${upgrade}first`);
      expect((await client.response()).head).toBe(
        'HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: upgrade\r\n\r\n',
      );
      await client.untilText('first');
      client.send(' second');
      await client.untilText('first second');
      client.end(' third');
      expect(await client.rest()).toBe('first second third');
    },
  );

  test('nothing is lost when the tunnel begins to read later', async () => {
    const begin = deferred();
    const { port } = await startServer(() => ({
      head: switching,
      body: {
        kind: 'tunnel',
        accept: (socket, firstBytes) => {
          void begin.promise.then(() => {
            socket.write(firstBytes);
            socket.pipe(socket);
          });
        },
      },
    }));
    const client = await RawClient.connect(port);
    client.send(`${upgrade}a`);
    await client.response();
    client.send('b');
    await turns();
    await client.endSeen('c');
    begin.resolve();
    expect(await client.rest()).toBe('abc');
  });

  test('a tunnel that fails to begin is closed', async () => {
    const { port, log } = await startServer(() => ({
      head: switching,
      body: {
        kind: 'tunnel',
        accept: () => {
          throw new Error('no backend');
        },
      },
    }));
    const client = await RawClient.connect(port);
    client.send(upgrade);
    await client.response();
    await client.until(() => client.ended || client.closed, 'the end');
    expect(log.at(-1)).toMatchObject({
      level: 'error',
      fields: { detail: expect.stringContaining('no backend') },
    });
  });

  test('no tunnel without an offer, and none with a body', async () => {
    const { port } = await startServer(() => ({
      head: switching,
      body: { kind: 'tunnel', accept: () => {} },
    }));
    const client = await RawClient.connect(port);
    expect((await client.send(get()).response()).status).toBe(502);
    client.send(post('Connection: upgrade\r\nUpgrade: echo\r\nContent-Length: 1\r\n', 'x'));
    expect((await client.response()).status).toBe(502);
  });

  test('an offer that is not taken is an ordinary request', async () => {
    const { port } = await startServer(hello);
    const client = await RawClient.connect(port);
    client.send(upgrade + get());
    expect((await client.response()).body).toBe('hello');
    expect((await client.response()).body).toBe('hello');
  });
});

describe('special targets', () => {
  test('OPTIONS * is answered by the server', async () => {
    const { port, seen } = await startServer(hello);
    const client = await RawClient.connect(port);
    const response = await client.send(`OPTIONS * HTTP/1.1\r\n${HOST}\r\n`).response();
    expect([response.status, response.fields['content-length']]).toEqual([200, '0']);
    expect((await client.send(get()).response()).body).toBe('hello');
    expect(seen).toEqual(['GET /']);
  });

  test('CONNECT is 501', async () => {
    const { port, seen } = await startServer(hello);
    const client = await RawClient.connect(port);
    client.send('CONNECT b:443 HTTP/1.1\r\nHost: b:443\r\n\r\n');
    expect((await client.response()).status).toBe(501);
    await client.expectEnd();
    expect(seen).toEqual([]);
  });

  test('absolute-form: its authority is what the handler sees', async () => {
    const { port } = await startServer((request) =>
      answer(`${request.authority} ${request.path} ${request.field('host')}`),
    );
    const client = await RawClient.connect(port);
    expect((await client.send(get('http://b.example:1/p')).response()).body).toBe(
      'b.example:1 /p b.example:1',
    );
  });
});

describe('errors', () => {
  test.each<[string, string, Handler, number?]>([
    [
      'throws',
      'XGI_APP_RAISED: the application or its middleware threw Error: secret detail',
      () => {
        throw new Error('secret detail');
      },
    ],
    [
      'rejects',
      'XGI_APP_RAISED: the application or its middleware threw TypeError: secret detail',
      () => Promise.reject(new TypeError('secret detail')),
    ],
    [
      'throws what is no error',
      'XGI_APP_RAISED: the application or its middleware threw a value of type string',
      // oxlint-disable-next-line prefer-promise-reject-errors
      () => Promise.reject('secret detail'),
    ],
    ['resolves with nothing', 'XGI_HTTP_BAD_RESPONSE', () => Promise.resolve(undefined as never), 502],
    ['returns nothing', 'XGI_HTTP_BAD_RESPONSE', () => undefined as never, 502],
  ])(
    'a handler that %s: an answer with code and request id, and the connection goes on',
    async (_name, told, handler, status = 500) => {
      const { port, log } = await startServer((request) =>
        request.path === '/' ? handler(request) : answer('next'),
      );
      const client = await RawClient.connect(port);
      const response = await client.send(get()).response();
      expect(response.status).toBe(status);
      expect(response.body).toContain(told.split(':')[0]);
      expect(response.body).not.toContain('secret');
      const id = /request (\S+)/.exec(response.body)![1];
      expect(log).toMatchObject([{ level: 'error', fields: { requestId: id, client: '127.0.0.1' } }]);
      expect(log[0]!.message).toContain(told);
      expect((await client.send(get('/next')).response()).body).toBe('next');
    },
  );

  test('503 says when to come back, once: by the error itself if it does', async () => {
    const { url } = await startServer(({ path: asked }) => {
      const fields = asked === '/own' ? ['retry-after', '120'] : ['X-Own', 'a'];
      throw new GatewayError(503, 'XGI_TEST', 'busy', { fields });
    });
    const ask = async (asked: string) => (await fetch(url + asked)).headers.get('retry-after');
    expect([await ask('/own'), await ask('/other')]).toEqual(['120', '1']);
  });

  test('GatewayError: its status and code; the cause only for the client’s own mistakes', async () => {
    const { port, log } = await startServer((request) => {
      const status = Number(request.path.slice(1));
      throw new GatewayError(status, 'XGI_TEST', 'the cause', { detail: 'the detail' });
    });
    const client = await RawClient.connect(port);
    const mistake = await client.send(get('/404')).response();
    expect([mistake.status, mistake.body]).toEqual([404, '404 Not Found\n\nXGI_TEST: the cause\n']);
    const failure = await client.send(get('/503')).response();
    expect([failure.status, failure.fields['retry-after']]).toEqual([503, '1']);
    expect(failure.body).toMatch(/^503 Service Unavailable\n\nXGI_TEST\nrequest \S+\n$/);
    expect(log.map(({ level, fields }) => [level, fields!['detail']])).toEqual([
      ['info', 'the detail'],
      ['error', 'the detail'],
    ]);
  });

  test('request ids differ', async () => {
    const { port } = await startServer((request) =>
      answer(request.id === request.id ? request.id : 'unstable'),
    );
    const client = await RawClient.connect(port);
    const ids = new Set<string>();
    for (let i = 0; i < 5; i++) ids.add((await client.send(get()).response()).body);
    expect(ids.size).toBe(5);
  });

  test('a body consumer that throws: 500, and nothing behind that body is handled', async () => {
    const { port, seen } = await startServer(
      (request) =>
        new Promise((resolve) => {
          request.body!.consume({
            data: () => {
              throw new Error('disk full');
            },
            end: () => resolve(answer()),
            error: () => {},
          });
        }),
    );
    const client = await RawClient.connect(port);
    client.send(post('Content-Length: 50\r\n', 'abc'));
    expect(await client.response()).toMatchObject({ status: 500, fields: { connection: 'close' } });
    client.send(`${'x'.repeat(47)}${get('/next')}`);
    await client.expectEnd();
    expect(seen).toHaveLength(1);
  });

  test('a source that throws when it is started: the connection is destroyed, and the log knows', async () => {
    const { port, log, server } = await startServer(() =>
      streamed(
        new TestSource(() => {
          throw new Error('no such stream');
        }),
      ),
    );
    const client = await RawClient.connect(port);
    client.send(get());
    expect(await client.rest()).not.toContain('0\r\n\r\n');
    await pollUntil(() => server.connections === 0, { what: 'the end of the connection' });
    expect(log.at(-1)!.level).toBe('error');
  });
});

describe('a client that goes away', () => {
  test('onAbort is called once, the late answer is dropped', async () => {
    const asked = deferred<GatewayRequest>();
    const late = deferred<ReturnType<typeof answer>>();
    let aborts = 0;
    const source = new TestSource();
    const { port, server, log } = await startServer((request) => {
      request.onAbort(() => aborts++);
      asked.resolve(request);
      return late.promise;
    });
    const client = await RawClient.connect(port);
    client.send(get());
    await asked.promise;
    client.reset();
    await pollUntil(() => aborts > 0 && server.connections === 0, { what: 'the abort' });
    late.resolve(streamed(source));
    await pollUntil(() => source.cancelled === 1, { what: 'the late answer to be dropped' });
    expect([aborts, source.sink, log]).toEqual([1, undefined, []]);
  });

  test('a stream is cancelled, and its late end changes nothing', async () => {
    const source = new TestSource();
    let aborts = 0;
    const { port, server } = await startServer((request) => {
      request.onAbort(() => aborts++);
      return streamed(source);
    });
    const client = await RawClient.connect(port);
    client.send(get());
    await client.untilText('\r\n\r\n');
    client.reset();
    await pollUntil(() => source.cancelled === 1, { what: 'the cancel' });
    source.sink!.data(Buffer.from('x'));
    source.sink!.end();
    expect([source.cancelled, aborts, server.connections]).toEqual([1, 1, 0]);
  });

  test('a body consumer is told', async () => {
    const failed = deferred<Error>();
    const { port, seen } = await startServer((request) =>
      readBody(request).then(
        () => answer(),
        (error: Error) => {
          failed.resolve(error);
          throw error;
        },
      ),
    );
    const client = await RawClient.connect(port);
    client.send(post('Content-Length: 10\r\n', 'abc'));
    await pollUntil(() => seen.length === 1, { what: 'the request' });
    client.reset();
    expect(await failed.promise).toMatchObject({ code: 'XGI_HTTP_CLIENT_GONE' });
  });

  test('onAbort asked for after the client has gone is called at once; an answer of nothing is dropped', async () => {
    const asked = deferred();
    const gone = deferred();
    const called = deferred();
    const { port, server } = await startServer(async (request) => {
      if (request.path === '/next') return answer('still here');
      asked.resolve();
      await gone.promise;
      request.onAbort(() => called.resolve());
      // What a handler in plain JavaScript may do.
      return undefined as unknown as GatewayResponse;
    });
    const client = await RawClient.connect(port);
    client.send(get());
    await asked.promise;
    client.reset();
    await pollUntil(() => server.connections === 0, { what: 'the end of the connection' });
    gone.resolve();
    await called.promise;
    const next = await RawClient.connect(port);
    expect((await next.send(get('/next')).response()).body).toBe('still here');
  });

  test('onAbort is not called for a request that was answered', async () => {
    let aborts = 0;
    const { port, server } = await startServer((request) => {
      request.onAbort(() => aborts++);
      return answer('done');
    });
    const client = await RawClient.connect(port);
    await client.send(get()).response();
    client.reset();
    await pollUntil(() => server.connections === 0, { what: 'the end of the connection' });
    expect(aborts).toBe(0);
  });
});
