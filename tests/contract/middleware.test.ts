/**
 * What middleware may do, and what becomes of it: the same in front of every kind of application. docs/guide/middleware.md says it in words.
 *
 * Each kind has one application at a time (one worker, one place for a program), so that whatever holds on to it is found by the next request.
 */
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
// As users import it: what the guide tells them to call has to be there.
import {
  app,
  type BodySource,
  cgi,
  collectBody,
  createServer,
  decodePath,
  deriveRequest,
  disposeBody,
  type FetchApplication,
  GatewayError,
  type GatewayServer,
  givenBody,
  type Handler,
  iterableBody,
  type Middleware,
  responseChunks,
  ResponseHead,
  serveStatic,
  wsgi,
} from '../../src/index.js';
import { RawClient } from '../support/http-client.js';
import { answer, deferred } from '../support/http-server.js';
import { pollUntil } from '../support/poll.js';
import { makeTempDir, removeTempDir } from '../support/temp-dir.js';
import { MemoryLog, python } from '../support/wsgi-site.js';

const STREAM_BYTES = 20_000_000;
const directory = makeTempDir();
const log = new MemoryLog();

const WSGI = `
import json
def application(environ, start_response):
    path = environ["PATH_INFO"]
    start_response("200 OK", [("Content-Type", "text/plain")])
    if path == "/echo":
        return [environ["wsgi.input"].read()]
    if path.startswith("/environ"):
        return [json.dumps({k: v for k, v in environ.items() if isinstance(v, str)}).encode()]
    if path == "/stream":
        return (b"x" * 50_000 for _ in range(${STREAM_BYTES / 50_000}))
    return [b"hello"]

def with_length(environ, start_response):
    import time
    start_response("200 OK", [("Content-Length", "100000")])
    yield b"x" * 50_000
    yield b"x" * 50_000
    time.sleep(0.1)
    with open("afterwards", "a") as file:
        file.write(".")
`;

const PROGRAMS = {
  hello: '#!/bin/sh\nprintf "Content-Type: text/plain\\n\\nhello"\n',
  echo: '#!/bin/sh\nprintf "Content-Type: text/plain\\n\\n"\nexec cat\n',
  stream: `#!/bin/sh\nprintf "Content-Type: text/plain\\n\\n"\nexec head -c ${STREAM_BYTES} /dev/zero\n`,
  environ: `#!${python}\nimport json, os\nprint("Content-Type: text/plain\\n")\nprint(json.dumps({k: v.encode(errors="surrogateescape").decode("latin-1") for k, v in os.environ.items()}))\n`,
};

const TYPESCRIPT = `
function* chunks() {
  for (let sent = 0; sent < ${STREAM_BYTES}; sent += 50_000) yield Buffer.alloc(50_000);
}

export default {
  async fetch(request, { variables, identity }) {
    const { pathname } = new URL(request.url);
    if (pathname === '/echo') return new Response(await request.text());
    if (pathname === '/stream') return new Response(ReadableStream.from(chunks()));
    if (pathname === '/environ')
      return Response.json({ ...variables, REMOTE_USER: identity?.user, AUTH_TYPE: identity?.scheme });
    return new Response('hello');
  },
};
`;

function writeApplications(): void {
  writeFileSync(path.join(directory, 'contract_app.py'), WSGI);
  writeFileSync(path.join(directory, 'contract-app.mjs'), TYPESCRIPT);
  mkdirSync(path.join(directory, 'programs'));
  for (const [name, text] of Object.entries(PROGRAMS)) {
    writeFileSync(path.join(directory, 'programs', name), text);
    chmodSync(path.join(directory, 'programs', name), 0o755);
  }
  mkdirSync(path.join(directory, 'files'));
  writeFileSync(path.join(directory, 'files/hello'), 'hello');
  writeFileSync(path.join(directory, 'files/stream'), '');
  truncateSync(path.join(directory, 'files/stream'), STREAM_BYTES);
}

const KINDS: Readonly<Record<string, () => Handler | Promise<Handler>>> = {
  WSGI: () => wsgi('contract_app:application', { chdir: directory, workers: 1, threads: 1, python, log }),
  CGI: () => cgi('programs', { chdir: directory, mount: '/', cgiConcurrency: 1, python, log }),
  static: () => serveStatic('files', { chdir: directory, log }),
  TypeScript: async () => {
    const module = (await import(path.join(directory, 'contract-app.mjs'))) as { default: FetchApplication };
    return app(module.default, { log });
  },
  'TypeScript in threads': () => app('contract-app.mjs', { chdir: directory, workers: 1, log }),
};

beforeAll(writeApplications);
afterAll(() => removeTempDir(directory));

describe.each(Object.keys(KINDS))('in front of %s', (kind) => {
  let server: GatewayServer;
  let origin: string;
  let port: number;
  /** How often the application was called. */
  let calls = 0;
  /** The middleware of the test. */
  let middleware: Middleware = (next) => next;
  const takesBodies = kind !== 'static';

  beforeAll(async () => {
    const current: Middleware = (next) => (request) => middleware(next)(request);
    const count: Middleware = (next) => (request) => (calls++, next(request));
    server = createServer({
      bind: ['127.0.0.1:0'],
      handler: await KINDS[kind]!(),
      middleware: [current, count],
      log,
    });
    [origin = ''] = await server.listen();
    port = Number(new URL(origin).port);
  });
  afterAll(async () => await server.close(0));

  beforeEach(() => {
    calls = 0;
    log.records.length = 0;
  });

  /** Whatever a test has done: the application is free, no file is open, and the next request is answered. */
  afterEach(async () => {
    middleware = (next) => next;
    const response = await fetch(`${origin}/hello`, { signal: AbortSignal.timeout(5000) });
    expect(await response.text()).toBe('hello');
    await pollUntil(() => openFiles().length === 0, { what: `the end of ${openFiles().join()}` });
  });

  async function get(target: string, init: RequestInit = {}): Promise<string> {
    const response = await fetch(`${origin}${target}`, init);
    return `${response.status} ${await response.text()}`;
  }

  test('the first is the outermost: first to see a request, last to see its answer', async () => {
    const seen: string[] = [];
    const note =
      (name: string): Middleware =>
      (next) =>
      async (request) => {
        seen.push(`${name} before`);
        const response = await next(request);
        seen.push(`${name} after ${response.head.status}`);
        return response;
      };
    middleware = (next) => note('outer')(note('inner')(next));
    expect(await get('/hello')).toBe('200 hello');
    expect(seen).toEqual(['outer before', 'inner before', 'inner after 200', 'outer after 200']);
  });

  describe('one that throws', () => {
    const failures = [
      ['a GatewayError', new GatewayError(418, 'XGI_TEST', 'no'), 418, 'XGI_TEST'],
      ['anything else', new Error('secret'), 500, 'XGI_APP_RAISED'],
    ] as const;

    test.each(failures)('%s before: the application is not called', async (_what, error, status, code) => {
      middleware = () => () => {
        throw error;
      };
      const text = await get('/stream');
      expect(text).toContain(`${status} `);
      expect(text).toContain(code);
      expect(text).not.toContain('secret');
      expect([calls, log.records.length]).toEqual([0, 1]);
    });

    test.each(failures)('%s after: what was answered is let go of', async (_what, error, status, code) => {
      middleware = (next) => async (request) => {
        await next(request);
        throw error;
      };
      for (let i = 0; i < 20; i++) {
        const text = await get('/stream');
        expect(text).toContain(`${status} `);
        expect(text).toContain(code);
      }
      expect(calls).toBe(20);
    });

    test('while the body is sent: the client sees a truncation', async () => {
      middleware = (next) => async (request) => {
        const { head, body } = await next(request);
        async function* part(): AsyncGenerator<Uint8Array> {
          let count = 0;
          for await (const chunk of responseChunks(body)) {
            yield Buffer.from(chunk);
            if ((count += chunk.length) > 200_000) throw new Error('enough');
          }
        }
        return { head: withoutLength(head), body: iterableBody(part()) };
      };
      for (let i = 0; i < 10; i++) {
        const response = await fetch(`${origin}/stream`);
        expect(response.status).toBe(200);
        await expect(response.arrayBuffer()).rejects.toThrow('terminated');
      }
      expect(log.matching(/XGI_APP_RAISED/)).toHaveLength(10);
    });
  });

  describe('one that answers early', () => {
    test('the application is not called, and an unread body does not harm the next request', async () => {
      middleware = () => () => answer('early', 403);
      const client = await RawClient.connect(port);
      for (const length of [5, 100_000]) {
        client.send(
          `POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n${'x'.repeat(length)}`,
        );
        expect(await client.response()).toMatchObject({ status: 403, body: 'early' });
      }
      // More than is worth reading: the connection is closed behind the answer.
      client.send(`POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10000000\r\n\r\nGET / HTTP/1.1\r\n\r\n`);
      expect(await client.response()).toMatchObject({ status: 403, fields: { connection: 'close' } });
      await client.expectEnd();
      expect(calls).toBe(0);
    });

    test('instead of an answer that it has got, which it disposes of', async () => {
      middleware = (next) => async (request) => {
        disposeBody((await next(request)).body);
        return answer('instead');
      };
      for (let i = 0; i < 20; i++) expect(await get('/stream')).toBe('200 instead');
    });
  });

  test('HEAD, and what is read by nobody in the end, is let go of', async () => {
    middleware = (next) => async (request) => {
      const { head, body } = await next(request);
      return { head, body: iterableBody(responseChunks(body)) };
    };
    for (let i = 0; i < 20; i++) {
      const response = await fetch(`${origin}/stream`, { method: 'HEAD' });
      expect([response.status, await response.text()]).toEqual([200, '']);
    }
  });

  describe('one that replaces a body', () => {
    test('as it comes', async () => {
      middleware = (next) => async (request) => {
        const { head, body } = await next(request);
        async function* upper(): AsyncGenerator<Uint8Array> {
          for await (const chunk of responseChunks(body)) yield Buffer.from(chunk.toString().toUpperCase());
        }
        return { head: withoutLength(head), body: iterableBody(upper()) };
      };
      expect(await get('/hello')).toBe('200 HELLO');
    });

    test('in the middle: the rest is cancelled, once', async () => {
      let cancelled = 0;
      middleware = (next) => async (request) => {
        const { head, body } = await next(request);
        const counted =
          body.kind === 'stream' ? { ...body, source: counting(body.source, () => cancelled++) } : body;
        async function* begun(): AsyncGenerator<Uint8Array> {
          for await (const chunk of responseChunks(counted)) {
            yield Buffer.from(chunk.subarray(0, 10));
            break;
          }
          yield Buffer.from(' and that is all');
        }
        return { head: withoutLength(head), body: iterableBody(begun()) };
      };
      for (let i = 1; i <= 20; i++) {
        expect(await get('/stream')).toMatch(/^200 .{10} and that is all$/s);
        if (kind !== 'static') expect(cancelled).toBe(i);
      }
    });

    test('back-pressure goes through it, and a client that goes cancels', async () => {
      let passed = 0;
      let ended = 0;
      middleware = (next) => async (request) => {
        const { head, body } = await next(request);
        async function* through(): AsyncGenerator<Uint8Array> {
          try {
            for await (const chunk of responseChunks(body)) {
              passed += chunk.length;
              yield Buffer.from(chunk);
            }
          } finally {
            ended++;
          }
        }
        return { head, body: iterableBody(through()) };
      };
      const client = await RawClient.connect(port);
      client.socket.pause();
      client.send('GET /stream HTTP/1.1\r\nHost: a\r\n\r\n');
      let before = -1;
      await pollUntil(() => passed > 0 && (before === passed || ((before = passed), false)), {
        everyMs: 200,
      });
      expect(passed).toBeLessThan(STREAM_BYTES);
      client.reset();
      await pollUntil(() => ended === 1);
    });
  });

  if (takesBodies)
    test('one that reads the request body first gives it on', async () => {
      const bodies: string[] = [];
      middleware = (next) => async (request) => {
        const bytes = await collectBody(request.body, 1_000_000);
        bodies.push(bytes.toString());
        return await next(deriveRequest(request, { body: givenBody(bytes) }));
      };
      const large = 'x'.repeat(300_000);
      for (const body of ['body', large])
        expect(await get('/echo', { method: 'POST', body })).toBe(`200 ${body}`);
      const chunked = { method: 'POST', body: ReadableStream.from([Buffer.from('chunked')]), duplex: 'half' };
      expect(await get('/echo', chunked as RequestInit)).toBe('200 chunked');
      expect(bodies).toEqual(['body', large, 'chunked']);
      expect(await get('/echo', { method: 'POST', body: 'x'.repeat(1_000_001) })).toContain('413 ');
      expect(calls).toBe(3);
    });

  if (takesBodies)
    test('one that consumes the body and gives the request on as it was', async () => {
      middleware = (next) => async (request) => {
        await collectBody(request.body, 1000);
        return await next(request);
      };
      const text = await get('/echo', { method: 'POST', body: 'body', signal: AbortSignal.timeout(5000) });
      expect(text).toMatch(/^500 [^]*XGI_HTTP_BODY_CONSUMED/);
    });

  if (kind === 'WSGI' || kind === 'CGI')
    test('one that decodes the path has what the application has', async () => {
      let decoded: string | undefined;
      middleware = (next) => (request) => {
        decoded = decodePath(request.path);
        return next(request);
      };
      const given = JSON.parse((await get('/environ/%61-%E4-%C3%A9-%2561')).slice(4)) as object;
      expect(given).toMatchObject({
        PATH_INFO: kind === 'WSGI' ? decoded : decoded!.slice('/environ'.length),
      });
      expect(decoded).toBe('/environ/a-\xe4-\xc3\xa9-%61');
    });

  test('one that never answers: a client that goes is told to it', async () => {
    let aborts = 0;
    const told = deferred();
    middleware = () => async (request) => {
      request.onAbort(() => {
        aborts++;
        told.resolve();
      });
      return await new Promise(() => {});
    };
    const client = await RawClient.connect(port);
    client.send('GET /hello HTTP/1.1\r\nHost: a\r\n\r\n');
    await pollUntil(() => client.socket.bytesWritten > 0);
    client.reset();
    await told.promise;
    expect([aborts, calls]).toEqual([1, 0]);
  });

  test.each([
    ['nothing', undefined],
    ['null', null],
    ['a text', 'hello'],
    ['a Response', new Response('hello')],
    ['an object without a body', { head: new ResponseHead(200) }],
    ['a body of no kind', { head: new ResponseHead(200), body: { kind: 'text', text: 'hello' } }],
    [
      'a head that was not checked',
      {
        head: { status: 200, reason: '', fields: ['A', 'b\r\nC: d'], contentLength: -1 },
        body: { kind: 'empty' },
      },
    ],
    ['an interim head', { head: new ResponseHead(103), body: { kind: 'empty' } }],
    [
      'a body shorter than its length',
      { head: new ResponseHead(200, ['Content-Length', '9']), body: { kind: 'bytes', bytes: 'hello' } },
    ],
  ])('one that answers with %s is an error, logged once', async (_what, value) => {
    middleware = () => () => value as never;
    const text = await get('/hello', { signal: AbortSignal.timeout(5000) });
    expect(text).toMatch(/^50[02] [^]*XGI_(?:INTERNAL|HTTP_BAD_RESPONSE)/);
    expect(log.records).toHaveLength(1);
  });

  test('one that calls the application twice and answers once', async () => {
    middleware = (next) => async (request) => {
      const first = await next(request);
      disposeBody(first.body);
      return await next(request);
    };
    for (let i = 0; i < 5; i++) expect(await get('/hello')).toBe('200 hello');
    expect(calls).toBe(10);
  });

  if (kind !== 'static')
    test('variables and identity', async () => {
      const variables = [
        ...['TENANT', 'a', 'TENANT', 'b', 'EMPTY', '', 'UMLAUT', 'ä'],
        ...['HTTP_X_ONE', 'of the middleware', 'HTTP_PROXY', 'bad'],
        ...['CONTENT_LENGTH', '99', 'SCRIPT_NAME', '/bad', 'PATH_INFO', '/bad', 'REMOTE_ADDR', 'bad'],
        ...['REMOTE_USER', 'root', 'AUTH_TYPE', 'bad', 'HTTPS', 'on', 'SSL_CLIENT_VERIFY', 'SUCCESS'],
        ...['wsgi.url_scheme', 'https', 'wsgi.version', 'bad', 'SERVER_NAME', 'bad', 'REQUEST_METHOD', 'BAD'],
      ];
      middleware = (next) => (request) => next(deriveRequest(request, { variables }));
      const given = JSON.parse(
        (await get('/environ', { headers: { 'X-One': 'of the client' } })).slice(4),
      ) as object;
      expect(given).toMatchObject({ TENANT: 'b', EMPTY: '', UMLAUT: 'ä', HTTP_X_ONE: 'of the middleware' });
      if (kind !== 'WSGI' && kind !== 'CGI') return;
      expect(given).toMatchObject({
        REMOTE_ADDR: '127.0.0.1',
        SERVER_NAME: '127.0.0.1',
        REQUEST_METHOD: 'GET',
      });
      const ours = ['CONTENT_LENGTH', 'REMOTE_USER', 'AUTH_TYPE', 'HTTPS', 'SSL_CLIENT_VERIFY', 'HTTP_PROXY'];
      expect(Object.keys(given).filter((name) => ours.includes(name))).toEqual([]);
      expect(JSON.stringify(given)).not.toContain('bad');
      if (kind === 'WSGI') expect(given).toMatchObject({ SCRIPT_NAME: '', 'wsgi.url_scheme': 'http' });

      middleware = (next) => (request) =>
        next(deriveRequest(request, { variables, identity: { scheme: 'Basic', user: 'Ada' } }));
      const identified = JSON.parse((await get('/environ')).slice(4)) as object;
      expect(identified).toMatchObject({ REMOTE_USER: 'Ada', AUTH_TYPE: 'Basic' });
    });

  if (kind === 'WSGI' || kind === 'CGI')
    test.each([
      ['a NUL in a value', ['A', 'b\0REMOTE_USER\0root']],
      ['a NUL in a name', ['A\0B', 'c']],
      ['no latin-1', ['A', 'Ā']],
      ['= in a name', ['A=B', 'c']],
      ['no name', ['', 'c']],
    ])('variables with %s are refused', async (_what, variables) => {
      middleware = (next) => (request) => next(deriveRequest(request, { variables }));
      expect(await get('/environ')).toMatch(/^502 [^]*XGI_GATEWAY_BAD_VARIABLE/);
    });

  test('many clients that go in the middle leave nothing', async () => {
    middleware = (next) => async (request) => {
      const { head, body } = await next(request);
      return { head, body: iterableBody(responseChunks(body)) };
    };
    const before = openDescriptors();
    for (let i = 0; i < 30; i++) {
      const client = await RawClient.connect(port);
      client.send('GET /stream HTTP/1.1\r\nHost: a\r\n\r\n');
      await client.untilText('\r\n\r\n');
      client.reset();
    }
    await pollUntil(() => openDescriptors() <= before + 2, { what: `${before} descriptors` });
  });
});

test('an application that goes on behind the last byte of its answer is not cut off', async () => {
  const handler = wsgi('contract_app:with_length', { chdir: directory, workers: 1, python, log });
  const through: Middleware = (next) => async (request) => {
    const { head, body } = await next(request);
    return { head, body: iterableBody(responseChunks(body)) };
  };
  await handler.start();
  for (const middleware of [[], [through], ['requestId' as const]]) {
    log.records.length = 0;
    const server = createServer({
      bind: ['127.0.0.1:0'],
      handler: (request) => handler(request),
      middleware,
      log,
    });
    const [origin] = await server.listen();
    for (let i = 0; i < 3; i++) expect((await (await fetch(origin!)).text()).length).toBe(100_000);
    await server.close();
    expect(log.records).toEqual([]);
  }
  await handler.close();
  expect(readFileSync(path.join(directory, 'afterwards'), 'utf8')).toBe('.........');
});

function withoutLength(head: ResponseHead): ResponseHead {
  return new ResponseHead(
    head.status,
    head.fields.filter((_, i) => head.fields[i - (i % 2)]!.toLowerCase() !== 'content-length'),
  );
}

function counting(source: BodySource, cancelled: () => void): BodySource {
  return {
    start: (sink) => source.start(sink),
    taken: (bytes) => source.taken(bytes),
    cancel() {
      cancelled();
      source.cancel();
    },
  };
}

function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

/** Of the applications', in this process. */
function openFiles(): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const file = readlinkSync(`/proc/self/fd/${fd}`);
      return file.startsWith(`${directory}/files/`) ? [file] : [];
    } catch {
      return [];
    }
  });
}
