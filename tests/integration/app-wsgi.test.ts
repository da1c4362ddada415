/** The shape of WSGI in TypeScript, over real connections: environ, startResponse, write, close, excInfo; and middleware both ways. */
import { describe, expect, test } from 'vitest';
import { createAppHandler } from '../../src/handlers/app/app.js';
import { fromWsgi } from '../../src/handlers/app/from-wsgi.js';
import { toWsgi } from '../../src/handlers/app/to-wsgi.js';
import { validator } from '../../src/handlers/app/wsgi-validator.js';
import type { Environ, StartResponse, WsgiApplication } from '../../src/handlers/app/wsgi-types.js';
import { GatewayError, type XgiError } from '../../src/errors.js';
import { deriveRequest } from '../../src/http/derived-request.js';
import { ResponseHead } from '../../src/http/response-head.js';
import type { GatewayRequest } from '../../src/types.js';
import { RawClient } from '../support/http-client.js';
import {
  answer,
  deferred,
  readBody,
  type RunningServer,
  startServer,
  streamed,
  TestSource,
} from '../support/http-server.js';

const TEXT: [string, string][] = [['Content-Type', 'text/plain']];

async function serve(application: WsgiApplication): Promise<RunningServer & { readonly lines: string[] }> {
  const lines: string[] = [];
  const server = await startServer(
    createAppHandler(validator(application), 'app.ts', { print: (line) => lines.push(line) }),
  );
  return { ...server, url: `${server.url}/`, lines };
}

describe('the environ', () => {
  test('has the variables of PEP 3333', async () => {
    const { url, port } = await serve((environ, startResponse) => {
      startResponse('200 OK', [['Content-Type', 'application/json']]);
      return [
        Buffer.from(
          JSON.stringify({
            ...environ,
            'xgi.request': undefined,
            'wsgi.input': undefined,
            'wsgi.errors': undefined,
          }),
        ),
      ];
    });
    const response = await fetch(`${url}a%20b/%C3%A9?q=%20`, {
      method: 'POST',
      body: 'abc',
      headers: { 'X-A': 'b' },
    });
    expect(await response.json()).toMatchObject({
      REQUEST_METHOD: 'POST',
      SCRIPT_NAME: '',
      PATH_INFO: '/a b/Ã©',
      QUERY_STRING: 'q=%20',
      SERVER_NAME: '127.0.0.1',
      SERVER_PORT: String(port),
      SERVER_PROTOCOL: 'HTTP/1.1',
      CONTENT_TYPE: 'text/plain;charset=UTF-8',
      CONTENT_LENGTH: '3',
      HTTP_X_A: 'b',
      REMOTE_ADDR: '127.0.0.1',
      'wsgi.version': [1, 0],
      'wsgi.url_scheme': 'http',
      'wsgi.multithread': false,
      'wsgi.multiprocess': false,
      'wsgi.run_once': false,
      'wsgi.input_terminated': true,
    });
  });

  test.each<[string, (input: Environ['wsgi.input']) => Promise<unknown>, string[]]>([
    [
      'read by size',
      async (input) => [await input.read(3), await input.read(100), await input.read(1)],
      ['one', '\ntwo\n\nlast', ''],
    ],
    ['read whole', async (input) => [await input.read(-1), await input.read(-1)], ['one\ntwo\n\nlast', '']],
    [
      'line by line',
      async (input) => [
        await input.readline(),
        await input.readline(2),
        await input.readline(),
        await input.readline(),
        await input.readline(),
        await input.readline(),
      ],
      ['one\n', 'tw', 'o\n', '\n', 'last', ''],
    ],
    ['lines', async (input) => await input.readlines(), ['one\n', 'two\n', '\n', 'last']],
    ['lines up to a size', async (input) => await input.readlines(5), ['one\n', 'two\n']],
    [
      'iterated',
      async (input) => {
        const all = [];
        for await (const line of input) all.push(line);
        return all;
      },
      ['one\n', 'two\n', '\n', 'last'],
    ],
    [
      'at once',
      async (input) => await Promise.all([input.read(3), input.read(1), input.readline()]),
      ['one', '\n', 'two\n'],
    ],
  ])('the body, %s', async (_how, read, expected) => {
    const { url } = await serve(async (environ, startResponse) => {
      const parts = (await read(environ['wsgi.input'])) as Buffer[];
      startResponse('200 OK', TEXT);
      return [Buffer.from(JSON.stringify(parts.map(String)))];
    });
    expect(await (await fetch(url, { method: 'POST', body: 'one\ntwo\n\nlast' })).json()).toEqual(expected);
  });

  test('errors go to the log, line by line', async () => {
    const { url, lines } = await serve((environ, startResponse) => {
      environ['wsgi.errors'].write('one\ntw');
      environ['wsgi.errors'].writelines(['o\n', 'three']);
      environ['wsgi.errors'].flush();
      startResponse('204 No Content', []);
      return [];
    });
    await fetch(url);
    expect(lines).toEqual(['one', 'two', 'three']);
  });
});

describe('the response', () => {
  test.each<[string, WsgiApplication, string]>([
    ['an array', (_, start) => (start('200 OK', TEXT), [Buffer.from('a'), Buffer.from('b')]), 'ab'],
    ['an empty array', (_, start) => (start('200 OK', TEXT), []), ''],
    ['a set', (_, start) => (start('200 OK', TEXT), new Set([Buffer.from('a')])), 'a'],
    ['a promise', async (_, start) => (start('200 OK', TEXT), [Buffer.from('later')]), 'later'],
    [
      'a generator',
      function* (_, start) {
        start('200 OK', TEXT);
        yield Buffer.from('');
        yield Buffer.from('g');
      },
      'g',
    ],
    [
      'an async generator',
      async function* (_, start) {
        await Promise.resolve();
        start('200 OK', TEXT);
        yield Buffer.from('h');
        yield Buffer.from('i');
      },
      'hi',
    ],
    [
      'written, then returned',
      (_, start) => {
        void start('200 OK', TEXT)(Buffer.from('w'));
        return [Buffer.from('r')];
      },
      'wr',
    ],
    [
      'written later',
      async (_, start) => {
        const write = start('200 OK', TEXT);
        await write(Buffer.from('1'));
        await write(Buffer.from('2'));
        return [Buffer.from('3')];
      },
      '123',
    ],
    [
      'begun twice, with an error',
      (_, start) => {
        start('200 OK', TEXT);
        start('201 Created', TEXT, new Error('x'));
        return [Buffer.from('e')];
      },
      'e',
    ],
  ])('of %s', async (_what, application, body) => {
    const { url } = await serve(application);
    const response = await fetch(url);
    expect(response.headers.get('content-type')).toBe('text/plain');
    expect(await response.text()).toBe(body);
  });

  test('the head and what is written leave at once', async () => {
    const go = deferred();
    const { port } = await serve(async (_, start) => {
      const write = start('200 OK', TEXT);
      await write(Buffer.from('first'));
      await go.promise;
      return [];
    });
    const client = await RawClient.connect(port);
    client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await client.untilText('first');
    go.resolve();
    await client.untilText('0\r\n\r\n');
  });

  test.each<[string, (start: StartResponse) => unknown, string]>([
    ['no startResponse', () => [Buffer.from('x')], 'startResponse was not called'],
    ['no body', (start) => void start('200 OK', TEXT), 'returned nothing'],
    ['text', (start) => (start('200 OK', TEXT), 'text'), 'a value of type string'],
    ['bytes', (start) => (start('200 OK', TEXT), Buffer.from('x')), 'returned bytes'],
    ['a piece of text', (start) => (start('200 OK', TEXT), ['x']), 'a piece of the body is of type string'],
    ['a bad status', (start) => (start('OK', TEXT), []), 'the status is "OK"'],
    ['a bad header', (start) => (start('200 OK', [['a', 1 as never]]), []), 'a header is ["a",1]'],
    ['a header that splits', (start) => (start('200 OK', [['a', 'b\r\nc: d']]), []), 'control character'],
    ['begun twice', (start) => (start('200 OK', TEXT), start('200 OK', TEXT), []), 'XGI_WSGI_STARTED_TWICE'],
  ])('%s is a 500 that says so', async (_what, run, message) => {
    const { url, log } = await startServer(fromWsgi((_, start) => run(start) as never));
    expect((await fetch(url)).status).toBe(500);
    expect(JSON.stringify(log)).toContain(JSON.stringify(message).slice(1, -1));
  });

  test('an error after the head has left is thrown again, and cuts the body off', async () => {
    const { url } = await serve(async function* (_, start) {
      start('200 OK', TEXT);
      yield Buffer.from('a');
      try {
        throw new Error('late');
      } catch (error) {
        start('500 Oops', TEXT, error as Error);
      }
    });
    await expect(fetch(url).then((response) => response.text())).rejects.toThrow('terminated');
  });

  test.each(['ends', 'fails', 'is not wanted', 'loses its client'])(
    'close is called when the body %s',
    async (how) => {
      const closed = deferred();
      const { port } = await serve((_, start) => {
        start('200 OK', TEXT);
        const body = (async function* () {
          yield Buffer.from('first');
          if (how === 'fails') throw new Error('x');
          while (how === 'loses its client') {
            await new Promise(setImmediate);
            yield Buffer.alloc(65_536);
          }
        })();
        return Object.assign(body, { close: () => closed.resolve() });
      });
      const client = await RawClient.connect(port);
      client.send(`${how === 'is not wanted' ? 'HEAD' : 'GET'} / HTTP/1.1\r\nHost: a\r\n\r\n`);
      await client.untilText(how === 'is not wanted' ? '200 OK' : 'first');
      if (how === 'loses its client') client.reset();
      await closed.promise;
    },
  );
});

describe('write', () => {
  const DATA = Buffer.alloc(65_536);

  test('rejects when the client has gone, and close of what is returned then is called', async () => {
    const events: string[] = [];
    const closed = deferred();
    const { port } = await serve(async (_, start) => {
      const write = start('200 OK', TEXT);
      try {
        for (;;) await write(DATA);
      } catch (error) {
        events.push((error as XgiError).code);
      }
      await expect(write(DATA)).rejects.toMatchObject({ code: 'XGI_WSGI_WRITE' });
      const body = (function* () {
        events.push('asked for what nobody wants');
        yield DATA;
      })();
      return Object.assign(body, { close: () => closed.resolve() });
    });
    const client = await RawClient.connect(port);
    client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await client.untilText('200 OK');
    client.reset();
    await closed.promise;
    expect(events).toEqual(['XGI_WSGI_WRITE']);
  });

  test('to a client that has gone before anything was written', async () => {
    const begun = deferred();
    const gone = deferred();
    const code = deferred<string>();
    const { port } = await serve(async (environ, start) => {
      environ['xgi.request']!.onAbort(() => gone.resolve());
      const write = start('200 OK', TEXT);
      begun.resolve();
      await gone.promise;
      await write(DATA).catch((error: XgiError) => code.resolve(error.code));
      return [];
    });
    const client = await RawClient.connect(port);
    client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await begun.promise;
    client.reset();
    expect(await code.promise).toBe('XGI_WSGI_WRITE');
  });

  test.each<[string, (start: StartResponse) => ReturnType<WsgiApplication>]>([
    ['an array', () => [Buffer.from('x')]],
    ['a promise', () => Promise.resolve([Buffer.from('x')])],
    ['an iterable', () => new Set([Buffer.from('x')])],
  ])('rejects when the answer is over: %s', async (_what, body) => {
    const writes: ReturnType<StartResponse>[] = [];
    const { url } = await serve((_, start) => {
      writes.push(start('200 OK', TEXT));
      return body(start);
    });
    expect(await (await fetch(url)).text()).toBe('x');
    // Nobody has to wait for it.
    void writes[0]!(DATA);
    await expect(writes[0]!(DATA)).rejects.toMatchObject({ code: 'XGI_WSGI_WRITE' });
  });
});

describe('middleware', () => {
  test('of the shape of WSGI before a handler', async () => {
    const inner = toWsgi(async (request) => {
      const { method, mount, path, query, identity, variables } = request;
      const body = request.body === null ? '' : (await readBody(request)).toString();
      const seen = {
        method,
        mount,
        path,
        query,
        user: identity?.user,
        variables,
        x: request.field('x-a'),
        kept: request.field('x_kept'),
        y: request.field('x-b'),
        body,
      };
      return {
        head: new ResponseHead(200, ['X-Inner', '1']),
        body: { kind: 'bytes', bytes: JSON.stringify(seen) },
      };
    });
    const middleware: WsgiApplication = (environ, startResponse) => {
      environ['SCRIPT_NAME'] = '/mnt';
      environ['PATH_INFO'] = '/new path';
      environ['HTTP_X_B'] = 'added';
      environ['REMOTE_USER'] = 'ada';
      environ['AUTH_TYPE'] = 'Own';
      environ['TENANT'] = 'blue';
      delete environ['HTTP_X_A'];
      return inner(environ, (status, headers, excInfo) =>
        startResponse(status, [...headers, ['X-Outer', '2']], excInfo),
      );
    };
    const { url } = await startServer(fromWsgi(middleware));
    const response = await fetch(`${url}/old?q`, {
      method: 'POST',
      body: 'hi',
      headers: { 'x-a': 'gone', x_kept: 'yes' },
    });
    expect(response.headers.get('x-inner')).toBe('1');
    expect(response.headers.get('x-outer')).toBe('2');
    expect(await response.json()).toEqual({
      method: 'POST',
      mount: '/mnt',
      path: '/new%20path',
      query: 'q',
      user: 'ada',
      variables: ['TENANT', 'blue'],
      kept: 'yes',
      y: 'added',
      body: 'hi',
    });
  });

  describe('what it changes or takes away, the handler sees', () => {
    type Seen = Pick<
      GatewayRequest,
      'identity' | 'variables' | 'clientAddress' | 'clientPort' | 'authority' | 'scheme' | 'target'
    > & { readonly one: string | undefined; readonly host: string | undefined };

    /** What the handler gets behind that change of the environ. */
    async function seen(change: (environ: Environ) => void): Promise<Seen> {
      const inner = toWsgi((request) => {
        const { identity, variables, clientAddress, clientPort, authority, scheme, target } = request;
        const [one, host] = [request.field('x-one'), request.field('host')];
        return answer(
          JSON.stringify({
            ...{ identity, variables, clientAddress, clientPort, authority, scheme, target, one, host },
          }),
        );
      });
      const application = fromWsgi((environ, startResponse) => {
        change(environ);
        return inner(environ, startResponse);
      });
      const { url } = await startServer((request) =>
        application(
          deriveRequest(request, {
            identity: { scheme: 'Basic', user: 'ada' },
            variables: ['TENANT', 'a', 'HTTP_X_ONE', 'of the middleware', 'OTHER', 'o'],
          }),
        ),
      );
      const response = await fetch(`${url}/x`, { headers: { 'X-One': 'of the client' } });
      return (await response.json()) as Seen;
    }

    test('nothing', async () => {
      expect(await seen(() => {})).toMatchObject({
        identity: { scheme: 'Basic', user: 'ada' },
        variables: ['TENANT', 'a', 'HTTP_X_ONE', 'of the middleware', 'OTHER', 'o'],
        clientAddress: '127.0.0.1',
        one: 'of the client',
      });
    });

    test.each<[string, (environ: Environ) => void, object]>([
      ['no user', (environ) => delete environ['REMOTE_USER'], { identity: null }],
      ['an empty user', (environ) => (environ['REMOTE_USER'] = ''), { identity: null }],
      [
        'another user',
        (environ) => (environ['REMOTE_USER'] = 'bob'),
        { identity: { scheme: 'Basic', user: 'bob' } },
      ],
      [
        'another way to tell',
        (environ) => (environ['AUTH_TYPE'] = 'Own'),
        { identity: { scheme: 'Own', user: 'ada' } },
      ],
      [
        'another variable',
        (environ) => (environ['TENANT'] = 'b'),
        { variables: ['HTTP_X_ONE', 'of the middleware', 'OTHER', 'o', 'TENANT', 'b'] },
      ],
      [
        'no variable',
        (environ) => delete environ['TENANT'],
        { variables: ['HTTP_X_ONE', 'of the middleware', 'OTHER', 'o'] },
      ],
      [
        'a variable of another type',
        (environ) => (environ['TENANT'] = 1),
        { variables: ['HTTP_X_ONE', 'of the middleware', 'OTHER', 'o'] },
      ],
      [
        'no field, nor the variable in its place',
        (environ) => delete environ['HTTP_X_ONE'],
        { one: undefined, variables: ['TENANT', 'a', 'OTHER', 'o'] },
      ],
      [
        'another field',
        (environ) => (environ['HTTP_X_ONE'] = 'new'),
        { one: 'new', variables: ['TENANT', 'a', 'OTHER', 'o'] },
      ],
      [
        'another client',
        (environ) => Object.assign(environ, { REMOTE_ADDR: '203.0.113.9', REMOTE_PORT: '7' }),
        { clientAddress: '203.0.113.9', clientPort: 7 },
      ],
      [
        'another host',
        (environ) => (environ['HTTP_HOST'] = 'site.test:81'),
        { authority: 'site.test:81', host: 'site.test:81' },
      ],
      [
        'what is not followed',
        (environ) =>
          Object.assign(environ, { 'wsgi.url_scheme': 'https', SERVER_NAME: 'other', REQUEST_URI: '/other' }),
        {
          scheme: 'http',
          target: '/x',
          variables: ['TENANT', 'a', 'HTTP_X_ONE', 'of the middleware', 'OTHER', 'o'],
        },
      ],
    ])('%s', async (_what, change, expected) => {
      expect(await seen(change)).toEqual({
        ...(await seen(() => {})),
        ...{ authority: expect.any(String), host: expect.any(String), clientPort: expect.any(Number) },
        ...expected,
      });
    });

    test('a host that is none is a 400: it may come from a client', async () => {
      const inner = toWsgi(() => answer('never'));
      const { url } = await startServer(
        fromWsgi((environ, startResponse) => {
          environ['HTTP_HOST'] = environ['HTTP_X_SITE'];
          return inner(environ, startResponse);
        }),
      );
      const response = await fetch(url, { headers: { 'X-Site': 'site.test/admin?' } });
      expect([response.status, await response.text()]).toEqual([
        400,
        expect.stringContaining('XGI_HTTP_HOST'),
      ]);
    });
  });

  test('changes the request body, through wsgi.input', async () => {
    const inner = toWsgi(async (request) => answer((await readBody(request)).toString()));
    const { url } = await startServer(
      fromWsgi(async (environ, startResponse) => {
        const input = environ['wsgi.input'];
        const skipped = await input.read(4);
        environ['CONTENT_LENGTH'] = String(Number(environ['CONTENT_LENGTH']) - skipped.length);
        return await inner(environ, startResponse);
      }),
    );
    expect(await (await fetch(url, { method: 'POST', body: 'skiprest' })).text()).toBe('rest');
  });

  test('of handlers before an application of the shape of WSGI', async () => {
    const application = fromWsgi((environ, startResponse) => {
      startResponse('200 OK', TEXT);
      return [Buffer.from(`${String(environ['TENANT'])} ${environ.PATH_INFO}`)];
    });
    const { url } = await startServer((request) =>
      application(deriveRequest(request, { path: '/changed', variables: ['TENANT', 'red'] })),
    );
    expect(await (await fetch(url)).text()).toBe('red /changed');
  });

  test('what a handler throws passes through', async () => {
    const { url } = await startServer(
      fromWsgi(
        toWsgi(() => {
          throw new GatewayError(404, 'XGI_ROUTE_NONE', 'nothing');
        }),
      ),
    );
    expect((await fetch(url)).status).toBe(404);
  });

  test('a stream of a handler passes through, and is let go of when nobody wants it', async () => {
    const sources: TestSource[] = [];
    const { url, port } = await startServer(
      fromWsgi(
        toWsgi(() => {
          const source = new TestSource();
          sources.push(source);
          return streamed(source);
        }),
      ),
    );
    const got = fetch(url).then((response) => response.text());
    await expect.poll(() => sources[0]?.sink !== undefined).toBe(true);
    sources[0]!.sink!.data(Buffer.from('through'));
    sources[0]!.sink!.end();
    expect(await got).toBe('through');
    const client = await RawClient.connect(port);
    client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await expect.poll(() => sources[1]?.sink !== undefined).toBe(true);
    sources[1]!.sink!.data(Buffer.from('first'));
    await client.untilText('first');
    client.reset();
    await expect.poll(() => sources[1]!.cancelled).toBe(1);
  });
});
