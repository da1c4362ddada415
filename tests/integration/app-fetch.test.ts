/** Applications in the fetch style, over real connections: what they get, what is sent of what they return, and what goes wrong. */
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import vm from 'node:vm';
import { H3 } from 'h3';
import { Hono } from 'hono';
import { stream, streamSSE } from 'hono/streaming';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createAppHandler } from '../../src/handlers/app/app.js';
import { createFetchHandler, type FetchContext } from '../../src/handlers/app/fetch.js';
import { RawClient } from '../support/http-client.js';
import { deferred, type RunningServer, startServer } from '../support/http-server.js';
import { pollUntil } from '../support/poll.js';

type Fetch = (request: Request, context: FetchContext) => unknown;

async function serve(fetchFunction: Fetch): Promise<RunningServer> {
  const server = await startServer(createFetchHandler({ fetch: fetchFunction as never }));
  return { ...server, url: `${server.url}/` };
}

describe('the request', () => {
  test('is an instance of Request, with all that it has', async () => {
    const { url } = await serve(async (request) => {
      const { method, headers, body, bodyUsed, signal, redirect } = request;
      return Response.json({
        isRequest: request instanceof Request,
        url: request.url,
        method,
        header: headers.get('X-A'),
        hasBody: body !== null,
        bodyUsed,
        isSignal: signal instanceof AbortSignal,
        redirect,
        text: await request.clone().text(),
        form: Object.fromEntries(await request.formData()),
        usedAfter: request.bodyUsed,
      });
    });
    const response = await fetch(`${url}a/b?c=d`, {
      method: 'POST',
      headers: { 'X-A': 'é', 'content-type': 'application/x-www-form-urlencoded' },
      body: 'x=1&y=2',
    });
    expect(await response.json()).toEqual({
      isRequest: true,
      url: `${url}a/b?c=d`,
      method: 'POST',
      header: 'é',
      hasBody: true,
      bodyUsed: false,
      isSignal: true,
      redirect: 'manual',
      text: 'x=1&y=2',
      form: { x: '1', y: '2' },
      usedAfter: true,
    });
  });

  test.each([
    ['/...', '/...'],
    ['/.well-known/..a/%2e%2e%2e', '/.well-known/..a/%2e%2e%2e'],
    ['/a%2f..%2fb?x=/../', '/a%2f..%2fb?x=/../'],
    ['/a"b<c>', '/a%22b%3Cc%3E'],
    ["/a?x='", '/a?x=%27'],
    ['/a?x=%zz', '/a?x=%zz'],
    ['//evil.example/x', '//evil.example/x'],
    // What is not ASCII is bytes, as for routes: these two are not the same.
    ['/\xc3\xa4?\xc3\xa4', '/%C3%A4?%C3%A4'],
    ['/\xe4?\xe4', '/%E4?%E4'],
  ])('the URL of %s is that of Node: %s', async (target, expected) => {
    const { port, url } = await serve((request) => new Response(request.url));
    const client = await RawClient.connect(port);
    client.send(`GET ${target} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
    const { status, body } = await client.response();
    expect(status).toBe(200);
    expect(body.toString()).toBe(url.replace(/\/$/, '') + expected);
    expect(new Request(body.toString()).url).toBe(body.toString());
  });

  test.each([
    ...['/public/../admin', '/public/%2e%2E/admin', '/public/.%2e', '/a/./b/', '/public/..\\admin', '/a\\b'],
  ])('what the URL would make another path of is refused, before anybody is misled: %s', async (target) => {
    let seen = '';
    const { port } = await serve((request) => {
      seen = request.url;
      return new Response();
    });
    const client = await RawClient.connect(port);
    client.send(`GET ${target} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
    expect((await client.response()).status).toBe(400);
    expect(seen).toBe('');
  });

  test.each([
    ['%61dmin.example', 400],
    ['127.1', 400],
    ['0x7f.1', 400],
    ['Admin.Example', 200],
    ['admin.example:80', 200],
    ['admin.example.', 200],
    ['[::1]:8000', 200],
    ['[::0001]', 400],
  ])('a host that the URL would make another one of is refused: %s', async (host, expected) => {
    const { port } = await serve((request) => new Response(new URL(request.url).host));
    const client = await RawClient.connect(port);
    client.send(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    const { status, body } = await client.response();
    expect(status).toBe(expected);
    if (status === 200) expect(body).toBe(host.toLowerCase().replace(/:80$/, ''));
  });

  test('can be copied, and given to fetch', async () => {
    const behind = await startServer(
      createFetchHandler({
        fetch: async (request) => new Response(`${request.method} ${request.url} ${await request.text()}`),
      }),
    );
    const { url } = await serve(async (request) => {
      const copy = new Request(behind.url, request);
      class Mine extends Request {}
      const mine = new Mine(request.url, { method: 'PUT' });
      expect(mine instanceof Mine && mine instanceof Request).toBe(true);
      expect(new Request('http://a/') instanceof Mine).toBe(false);
      return await fetch(copy);
    });
    const response = await fetch(url, { method: 'POST', body: 'through' });
    expect(await response.text()).toBe(`POST ${behind.url}/ through`);
  });

  test('streams its body while it comes', async () => {
    const first = deferred<string>();
    const { port } = await serve(async (request) => {
      const parts: string[] = [];
      for await (const chunk of request.body!) {
        parts.push(Buffer.from(chunk).toString());
        first.resolve(parts[0]!);
      }
      return new Response(parts.join(''));
    });
    const outgoing = httpRequest({ port, method: 'POST' });
    outgoing.write('one ');
    expect(await first.promise).toBe('one ');
    outgoing.end('two');
    const [incoming] = (await once(outgoing, 'response')) as [Readable];
    expect(await text(incoming)).toBe('one two');
  });

  test.each(['closes', 'resets'])(
    'has a signal that is aborted when the client %s its connection',
    async (way) => {
      const running = deferred();
      const aborted = deferred();
      const { port } = await serve(async (request) => {
        request.signal.addEventListener('abort', () => aborted.resolve());
        running.resolve();
        await aborted.promise;
        return new Response('nobody');
      });
      const client = await RawClient.connect(port);
      client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
      await running.promise;
      if (way === 'closes') client.socket.destroy();
      else client.reset();
      await aborted.promise;
    },
  );

  // A route with `method: POST`, and any check behind it, have not seen one.
  test.each(['post', 'Post', 'get', 'head', 'oPTIONS', 'delete', 'put'])(
    'the method %s is not made another',
    async (method) => {
      const { port } = await serve((request) => new Response(request.method));
      const client = await RawClient.connect(port);
      client.send(`${method} / HTTP/1.1\r\nHost: a\r\n\r\n`);
      const { status, fields } = await client.response();
      expect([status, fields['allow']]).toEqual([405, expect.stringContaining('POST')]);
    },
  );

  test('TRACE is refused', async () => {
    const { port } = await serve(() => new Response('no'));
    const client = await RawClient.connect(port);
    client.send('TRACE / HTTP/1.1\r\nHost: a\r\n\r\n');
    // RFC 9110 section 15.5.6.
    expect(await client.response()).toMatchObject({
      status: 405,
      fields: { allow: 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS' },
    });
  });

  test('a host that no URL has is a 400', async () => {
    const { port } = await serve((request) => new Response(request.url));
    const client = await RawClient.connect(port);
    client.send('GET / HTTP/1.1\r\nHost: 1.2.3.4.5\r\n\r\n');
    expect((await client.response()).status).toBe(400);
  });
});

describe('the response', () => {
  test('of a string has its length and type; one read before it is sent is the same', async () => {
    const { url } = await serve((request) => {
      const response = new Response('höllo', { headers: { 'X-A': 'b' } });
      if (request.url.endsWith('/touched')) {
        response.headers.append('x-a', 'c');
        expect(response instanceof Response && response.body instanceof ReadableStream).toBe(true);
      }
      return response;
    });
    const plain = await fetch(url);
    expect(plain.headers.get('content-length')).toBe('6');
    expect(plain.headers.get('content-type')).toBe('text/plain;charset=UTF-8');
    expect(await plain.text()).toBe('höllo');
    const touched = await fetch(`${url}touched`);
    expect(touched.headers.get('x-a')).toBe('b, c');
    expect(touched.headers.get('content-type')).toBe('text/plain;charset=UTF-8');
    expect(await touched.text()).toBe('höllo');
  });

  test.each<[string, () => Response, number, string]>([
    ['empty', () => new Response(), 200, ''],
    ['null', () => new Response(null, { status: 204 }), 204, ''],
    ['not modified', () => new Response(null, { status: 304 }), 304, ''],
    ['bytes', () => new Response(new Uint8Array([0xe2, 0x82, 0xac])), 200, '€'],
    ['large text', () => new Response('ä'.repeat(50_000)), 200, 'ä'.repeat(50_000)],
    ['large bytes', () => new Response(Buffer.alloc(100_000, 'x')), 200, 'x'.repeat(100_000)],
    ['blob', () => new Response(new Blob(['blob'])), 200, 'blob'],
    ['parameters', () => new Response(new URLSearchParams({ a: 'b' })), 200, 'a=b'],
    ['json', () => Response.json({ a: 1 }, { status: 201 }), 201, '{"a":1}'],
    ['stream', () => new Response(ReadableStream.from([Buffer.from('a'), Buffer.from('b')])), 200, 'ab'],
    ['redirect', () => Response.redirect('http://a.example/', 303), 303, ''],
    [
      'copy',
      () => new Response(new Response('copied').body, new Response('', { status: 202 })),
      202,
      'copied',
    ],
    ['clone', () => new Response('cloned').clone(), 200, 'cloned'],
  ])('%s', async (_what, make, status, body) => {
    const { url } = await serve(make);
    const response = await fetch(url, { redirect: 'manual' });
    expect(response.status).toBe(status);
    expect(await response.text()).toBe(body);
    const head = await fetch(url, { method: 'HEAD', redirect: 'manual' });
    expect(head.status).toBe(status);
    if (body !== '') expect(head.headers.get('content-length')).toBe(response.headers.get('content-length'));
  });

  test('several cookies stay several', async () => {
    const { url } = await serve(() => {
      const headers = new Headers({ 'set-cookie': 'a=1' });
      headers.append('set-cookie', 'b=2');
      const response = new Response('x', { headers });
      headers.append('set-cookie', 'late=1');
      return response;
    });
    expect((await fetch(url)).headers.getSetCookie()).toEqual(['a=1', 'b=2']);
  });

  test('a value with NUL does not become a field of another response', async () => {
    const { url, log } = await serve((request) => {
      const value = new URL(request.url).searchParams.get('v') ?? '';
      return {
        status: 200,
        headers:
          value === ''
            ? [
                ['a', 'b'],
                ['evil', '1'],
              ]
            : [['a', value]],
        body: null,
      };
    });
    expect((await fetch(url)).headers.get('evil')).toBe('1');
    expect((await fetch(`${url}?v=b%00evil%001`)).status).toBe(500);
    expect(log.at(-1)!.message).toContain('XGI_APP_RESPONSE');
  });

  test('of another implementation is as good', async () => {
    const foreign = vm.runInNewContext(
      '({ status: 203, headers: new Map([["x-a", "b"]]), body: null })',
    ) as object;
    const { url } = await serve(() => foreign);
    const response = await fetch(url);
    expect(response.status).toBe(203);
    expect(response.headers.get('x-a')).toBe('b');
  });

  test('mistakes are thrown where Node throws them', () => {
    createFetchHandler({ fetch: () => new Response() });
    expect(() => new Response('x', { status: 204 })).toThrow(TypeError);
    expect(() => new Response('x', { status: 99 })).toThrow(RangeError);
    expect(() => new Response('x', { headers: { 'a b': 'c' } })).toThrow(TypeError);
    expect(() => new Response('x', { headers: { a: '日本' } })).toThrow(TypeError);
    expect(() => new Response('x', { headers: { a: 'b\r\nc: d' } })).toThrow(TypeError);
    expect(() => (Response as unknown as () => void)()).toThrow(TypeError);
  });

  test.each<[string, () => unknown, string]>([
    ['nothing', () => undefined, 'fetch returned nothing'],
    ['a string', () => 'hello', 'a value of type string'],
    ['null', () => null, 'a value of type null'],
    ['an object', () => ({ statusCode: 200 }), 'an object of Object'],
    ['Response.error()', () => Response.error(), 'Response.error()'],
    ['one whose headers are null', () => ({ status: 200, headers: null }), 'an object of Object'],
    [
      'one whose headers are no pairs',
      () => ({ status: 200, headers: [1, 2] }),
      'no pairs of name and value',
    ],
    [
      'a body that was read',
      async () => {
        const response = new Response('x');
        await response.text();
        return response;
      },
      'was read already',
    ],
  ])('%s is no answer', async (_what, answer, message) => {
    const { url, log } = await serve(answer);
    expect((await fetch(url)).status).toBe(500);
    expect(log.at(-1)!.message).toContain('XGI_APP_RESPONSE');
    expect(log.at(-1)!.message).toContain(message);
  });

  test.each<[string, unknown]>([
    ['text', 'abc'],
    ['a number', 5],
    ['null', null],
  ])('a piece of a body that is %s cuts it off, and is the application’s mistake', async (_what, piece) => {
    const { url, log } = await serve(() => ({ status: 200, headers: [], body: [piece] }));
    await expect(fetch(url).then((response) => response.text())).rejects.toThrow('terminated');
    expect(log.at(-1)!.message).toContain('XGI_HTTP_BAD_RESPONSE: a piece of the response body is of type');
  });

  test.each([
    ['throws', (): never => failHere()],
    ['rejects', async (): Promise<never> => await Promise.reject(failHere())],
  ])('what %s is a 500, and its stack is in the log', async (_what, answer) => {
    const { url, log } = await serve(answer);
    const response = await fetch(url);
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain('failHere');
    expect(JSON.stringify(log)).toContain('failHere');
  });
});

function failHere(): never {
  throw new Error('broken application');
}

describe('a streaming body', () => {
  test('sends its head and first chunk at once, and is cancelled when the client goes', async () => {
    const cancelled = deferred();
    const { port } = await serve(() => {
      const body = new ReadableStream({
        start: (controller) => controller.enqueue(Buffer.from('data: 1\n\n')),
        cancel: () => cancelled.resolve(),
      });
      return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
    });
    const client = await RawClient.connect(port);
    client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await client.untilText('data: 1\n\n');
    client.reset();
    await cancelled.promise;
  });

  test('is pulled no faster than the client reads', async () => {
    let pulled = 0;
    const { port } = await serve(() => {
      const body = new ReadableStream<Uint8Array>({
        pull: (controller) => {
          pulled += 65_536;
          controller.enqueue(Buffer.alloc(65_536));
        },
      });
      return new Response(body);
    });
    const client = connect(port, '127.0.0.1');
    client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    client.pause();
    onTestFinished(() => void client.resetAndDestroy());
    let before = -1;
    const isStill = (): boolean => {
      const still = pulled > 0 && pulled === before;
      before = pulled;
      return still;
    };
    await pollUntil(isStill, { everyMs: 200 });
    expect(pulled).toBeLessThan(32 * 2 ** 20);
  });

  test('that fails is cut off', async () => {
    const { url } = await serve(() => {
      const chunks = (async function* () {
        yield Buffer.from('a');
        throw new Error('in the middle');
      })();
      return new Response(ReadableStream.from(chunks));
    });
    await expect(fetch(url).then((response) => response.text())).rejects.toThrow('terminated');
  });
});

describe('the examples of frameworks, as they are', () => {
  test('Hono', async () => {
    const app = new Hono();
    app.use('*', async (c, next) => {
      await next();
      c.header('X-Message', 'This is addMiddleware!');
    });
    app.get('/', (c) => c.text('Hono!'));
    app.get('/entry/:id', (c) => c.json({ id: c.req.param('id'), page: c.req.query('page') }));
    app.post('/posts', async (c) => c.json(await c.req.json(), 201));
    app.get('/html', (c) => c.html('<h1>Hello</h1>'));
    app.get('/gone', (c) => c.redirect('/'));
    app.get('/stream', (c) => stream(c, async (out) => void (await out.write('piece'))));
    app.get('/sse', (c) => streamSSE(c, async (out) => void (await out.writeSSE({ data: 'a', event: 'b' }))));
    app.get('/fail', () => {
      throw new Error('oops');
    });
    app.onError((error, c) => c.text(`caught ${error.message}`, 500));
    app.route(
      '/sub',
      new Hono().get('/', (c) => c.text('sub')),
    );
    app.mount('/mounted', (request: Request) => new Response(new URL(request.url).pathname));
    const { url: origin } = await startServer(createAppHandler(app, 'hono'));
    const url = `${origin}/`;
    const get = async (path: string, init?: RequestInit): Promise<[number, string]> => {
      const response = await fetch(url + path, { redirect: 'manual', ...init });
      expect(response.headers.get('x-message')).toBe('This is addMiddleware!');
      return [response.status, await response.text()];
    };
    expect(await get('')).toEqual([200, 'Hono!']);
    expect(await get('entry/7?page=2')).toEqual([200, '{"id":"7","page":"2"}']);
    expect(await get('posts', { method: 'POST', body: '{"a":1}' })).toEqual([201, '{"a":1}']);
    expect(await get('html')).toEqual([200, '<h1>Hello</h1>']);
    expect(await get('gone')).toEqual([302, '']);
    expect(await get('stream')).toEqual([200, 'piece']);
    expect(await get('sse')).toEqual([200, 'event: b\ndata: a\n\n']);
    expect(await get('fail')).toEqual([500, 'caught oops']);
    expect(await get('sub')).toEqual([200, 'sub']);
    expect(await get('mounted/x')).toEqual([200, '/x']);
    expect(await get('nothing')).toEqual([404, '404 Not Found']);
  });

  test('h3', async () => {
    const app = new H3()
      .get('/', () => '⚡️ Tadaa!')
      .get('/hello/:name', (event) => `Hello, ${event.context.params?.['name']}!`)
      .get('/json', () => ({ ok: true }))
      .post('/echo', async (event) => await event.req.text())
      .use((event) => void event.res.headers.set('x-powered', 'h3'));
    const { url: origin } = await startServer(createAppHandler(app, 'h3'));
    const url = `${origin}/`;
    expect(await (await fetch(url)).text()).toBe('⚡️ Tadaa!');
    expect(await (await fetch(`${url}hello/you`)).text()).toBe('Hello, you!');
    const response = await fetch(`${url}json`);
    expect(response.headers.get('x-powered')).toBe('h3');
    expect(await response.json()).toEqual({ ok: true });
    expect(await (await fetch(`${url}echo`, { method: 'POST', body: 'back' })).text()).toBe('back');
    expect((await fetch(`${url}nothing`)).status).toBe(404);
  });
});
