/** What a program makes of xgi: `createServer`, `wsgi`, `cgi`, `serveStatic` and `app`, their life, and their end. */
import { readdirSync, readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { ResponseHead } from '../../src/http/response-head.js';
import type { WsgiApplication } from '../../src/handlers/app/wsgi-types.js';
import { app, cgi, serveStatic, wsgi } from '../../src/library/applications.js';
import { createServer, type GatewayServer } from '../../src/library/gateway-server.js';
import { toFetch } from '../../src/library/mounting.js';
import type { InlineOptions, ServerSettings } from '../../src/library/options.js';
import type { Handler, Middleware } from '../../src/types.js';
import { Project, sayingApp } from '../support/cli-project.js';
import { answer, deferred, hello } from '../support/http-server.js';
import { pollUntil } from '../support/poll.js';
import { authority } from '../support/tls-server.js';
import { MemoryLog, python } from '../support/wsgi-site.js';

let project: Project;
let log: MemoryLog;

beforeEach(() => {
  project = new Project();
  project.write('say.py', sayingApp('python'));
  project.write(
    'hello.cgi',
    '#!/bin/sh\nprintf "Content-Type: text/plain\\n\\ncgi $PATH_INFO $SCRIPT_NAME"\n',
  );
  log = new MemoryLog();
});

afterEach(() => {
  // Whatever was started has been closed.
  expect(childrenIn(project.directory)).toEqual([]);
});

/** Processes that run in that folder. */
function childrenIn(directory: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, 'utf8').includes(directory);
      } catch {
        return false;
      }
    });
}

function make(served: ServerSettings): GatewayServer {
  const server = createServer({ bind: ['127.0.0.1:0'], log, ...served });
  onTestFinished(() => server.close(0));
  return server;
}

async function ask(handler: Handler, path = '/'): Promise<string> {
  const response = await toFetch(handler, { log })(new Request(`http://site.test${path}`));
  return `${response.status} ${await response.text()}`;
}

describe('applications', () => {
  const py = (target: string, options = {}) =>
    wsgi(target, {
      chdir: project.directory,
      workers: 1,
      python,
      log,
      env: { HERE: project.directory },
      ...options,
    });

  test('wsgi: started by the first request, which waits', async () => {
    const handler = py('say:app');
    expect(childrenIn(project.directory)).toEqual([]);
    expect(await Promise.all([ask(handler), ask(handler)])).toEqual(['200 python', '200 python']);
    await handler.close();
    await expect(ask(handler)).resolves.toMatch(/^503 .*\n\nXGI_STOPPING/);
    await expect(handler.start()).rejects.toThrow('has been closed');
  });

  test('wsgi: what is under way is finished by close', async () => {
    const handler = py('app:app');
    await handler.start();
    const answered = ask(handler, '/wait');
    await project.running();
    const closed = handler.close();
    project.write('go', '');
    expect(await answered).toMatch(/^200 /);
    await closed;
    await handler.close();
  });

  test('wsgi: a start that fails says why, to requests too, and can be tried again', async () => {
    const handler = py('late:app');
    await expect(handler.start()).rejects.toMatchObject({ name: 'BootError' });
    expect(await ask(handler)).toMatch(/^500 .*\n\nXGI_APP_NOT_FOUND/);
    expect(childrenIn(project.directory)).toEqual([]);
    project.write('late.py', sayingApp('late'));
    await handler.start();
    expect(await ask(handler)).toBe('200 late');
    await handler.close();
  });

  test('cgi', async () => {
    const { chmodSync } = await import('node:fs');
    chmodSync(project.file('hello.cgi'), 0o755);
    const handler = cgi(project.directory, { mount: '/run', log, python, env: { HERE: project.directory } });
    expect(await ask(handler, '/run/hello.cgi/more')).toBe('200 cgi /more /run/hello.cgi');
    expect(await ask(handler, '/other')).toMatch(/^404/);
    await handler.close();
  });

  test('serveStatic', async () => {
    project.write('page.html', '<p>static');
    const handler = serveStatic(project.directory, { log, cacheControl: { '/': 'no-cache' } });
    const response = await toFetch(handler)(new Request('http://site.test/page.html'));
    expect([response.status, response.headers.get('cache-control')]).toEqual([200, 'no-cache']);
    expect(await response.text()).toBe('<p>static');
    await handler.close();
  });

  // That of a module is loaded by what is built only: tests/e2e/package.test.ts.
  test('app: an object, or a handler', async () => {
    const object = app({ fetch: ({ method }) => new Response(method) }, { log });
    expect(await ask(object)).toBe('200 GET');
    const plain = app(hello, { log });
    expect(await ask(plain)).toBe('200 hello');
    expect(() => app(3 as never)).toThrow('app(): expected');
    await Promise.all([object.close(), plain.close()]);
  });

  test('app: what a function of the shape of WSGI writes to wsgi.errors is in the log', async () => {
    const application: WsgiApplication = (environ, startResponse) => {
      environ['wsgi.errors'].write('written\n');
      startResponse('200 OK', []);
      return [Buffer.from('hello')];
    };
    const handler = app(application, { log });
    expect(await ask(handler)).toBe('200 hello');
    expect(log.matching(/^written$/)).toHaveLength(1);
    await handler.close();
  });

  test.each([{ workers: 2 }, { timeout: '3s' }, { env: { A: 'b' } }])(
    'app: an object runs here, and has no %j',
    (options) => {
      const [name] = Object.keys(options);
      expect(() => app(hello, options as InlineOptions)).toThrow(
        `app(): ${name} is for an application given by the path of its module`,
      );
    },
  );

  test('middleware by name and as a function', async () => {
    const mark: Middleware = (next) => async (request) => {
      const { head, body } = await next(request);
      return { head: new ResponseHead(head.status, [...head.fields, 'X-Mark', 'one']), body };
    };
    const handler = app(hello, { log, middleware: ['requestId', mark] });
    const response = await toFetch(handler)(new Request('http://site.test/'));
    expect(response.headers.get('x-mark')).toBe('one');
    expect(response.headers.get('x-request-id')).toMatch(/./);
    await handler.close();
  });

  test.each([
    [
      'an unknown setting',
      { wrokers: 1 },
      'wsgi(): wrokers: there is no such setting; did you mean workers?',
    ],
    ['a wrong value', { workers: 'many' }, 'wsgi(): workers: expected'],
    ['a setting of another kind', { listing: true }, 'wsgi(): listing is for static files'],
    ['one of the process', { user: 'nobody' }, 'wsgi(): user is for the command xgi'],
    [
      'a wrong middleware',
      { middleware: ['haeders'] },
      'wsgi(): middleware[0]: there is no middleware "haeders"',
    ],
  ])('%s is named', async (_what, options, message) => {
    const handler = py('say:app', options);
    await expect(handler.start()).rejects.toThrow(message);
    await handler.close();
  });
});

describe('createServer', () => {
  test('a handler, on a port', async () => {
    const server = make({ handler: hello });
    const [url] = await server.listen();
    expect(await (await fetch(url!)).text()).toBe('hello');
    await server.close();
    await expect(fetch(url!)).rejects.toThrow('fetch failed');
    await expect(server.listen()).rejects.toThrow('has been closed');
    await expect(server.fetch(new Request('http://a/'))).rejects.toThrow('has been closed');
  });

  test('a handler alone is enough', async () => {
    const server = createServer(hello);
    expect(await (await server.fetch(new Request('http://a/'))).text()).toBe('hello');
    await server.close();
  });

  test('a composition: routes to handlers and applications, middleware in front, all started and closed', async () => {
    project.write('index.html', 'index');
    const python_ = wsgi('say:app', {
      chdir: project.directory,
      workers: 1,
      python,
      log,
      env: { HERE: project.directory },
    });
    const server = make({
      chdir: project.directory,
      middleware: [{ headers: { set: { 'X-Site': 'one' } } }],
      apps: { files: { target: '.', kind: 'static' } },
      routes: [
        { path: '/python', handler: python_ },
        { path: '/api', handler: ({ mount, path }) => answer(`${mount} ${path}`), middleware: ['requestId'] },
        { app: 'files' },
      ],
    });
    const [url] = await server.listen();
    const texts = await Promise.all(
      ['python', 'api/list', 'index.html'].map(async (path) => {
        const response = await fetch(`${url}/${path}`);
        return `${response.headers.get('x-site')} ${response.headers.has('x-request-id')} ${await response.text()}`;
      }),
    );
    expect(texts).toEqual(['one false python', 'one true /api /list', 'one false index']);
    await server.close();
    expect(await ask(python_)).toMatch(/^503/);
  });

  test('fetch without a port: who asks, and errors as pages', async () => {
    const server = make({
      dev: true,
      forwardedAllowIps: '192.0.2.1',
      handler: ({ path, clientAddress, scheme, authority: host }) => {
        if (path === '/bad') throw new Error('secret');
        return answer(`${clientAddress} ${scheme} ${host}`);
      },
    });
    const text = async (request: Request, peer = {}) => await (await server.fetch(request, peer)).text();
    expect(await text(new Request('https://site.test/'))).toBe('127.0.0.1 https site.test');
    const forwarded = new Request('http://site.test:81/', { headers: { 'X-Forwarded-For': '203.0.113.9' } });
    expect(await text(forwarded)).toBe('127.0.0.1 http site.test:81');
    expect(await text(forwarded.clone(), { clientAddress: '192.0.2.1' })).toBe(
      '203.0.113.9 http site.test:81',
    );
    const page = await server.fetch(
      new Request('http://site.test/bad', { headers: { Accept: 'text/html' } }),
    );
    expect([page.status, page.headers.get('content-type')]).toEqual([500, 'text/html; charset=utf-8']);
    expect(await page.text()).toContain('secret');
  });

  test('fetch is aborted by its signal', async () => {
    const aborted = deferred();
    const server = make({
      handler: async (request) => {
        request.onAbort(() => aborted.resolve());
        return await new Promise(() => {});
      },
    });
    const controller = new AbortController();
    const answered = server.fetch(new Request('http://a/', { signal: controller.signal }));
    await server.start();
    setImmediate(() => controller.abort(new Error('enough')));
    await expect(answered).rejects.toThrow('enough');
    await aborted.promise;
    await expect(
      server.fetch(new Request('http://a/', { signal: AbortSignal.abort(new Error('before')) })),
    ).rejects.toThrow('before');
  });

  test('TLS, HTTP/2 and the access log by the settings of the configuration file', async () => {
    const pair = authority.issue('library');
    const server = make({
      handler: hello,
      certfile: [pair.cert],
      keyfile: [pair.key],
      accessLogfile: project.file('access.log'),
      accessLogformat: '%(r)s %(s)s',
    });
    const [url] = await server.listen();
    expect(url).toMatch(/^https:/);
    await server.close();
  });

  test('an address in use stops the start, and leaves nothing', async () => {
    const first = make({ handler: hello });
    const [url] = await first.listen();
    const other = wsgi('say:app', { chdir: project.directory, workers: 1, python, log });
    const second = make({ bind: [new URL(url!).host], handler: other });
    await expect(second.listen()).rejects.toMatchObject({ code: 'XGI_LISTEN_IN_USE' });
    expect(await ask(other)).toMatch(/^503/);
  });

  test('an application that cannot be loaded stops the start, and the port is free again', async () => {
    const server = make({ target: 'none:app', kind: 'wsgi', chdir: project.directory, workers: 1, python });
    await expect(server.listen()).rejects.toMatchObject({ name: 'BootError' });
  });

  test.each([
    ['nothing', {}, 'no TARGET given'],
    [
      'a route without an answer',
      { routes: [{ path: '/' }] },
      'expected one of app, handler, redirect and respond',
    ],
    [
      'a handler that is none',
      { routes: [{ handler: 3 as never }] },
      'createServer(): routes[0].handler: expected a handler',
    ],
    ['a setting of the process', { handler: hello, gateways: 2 } as never, 'gateways is for the command xgi'],
  ])('%s is named', async (_what, settings, message) => {
    await expect(make(settings).listen()).rejects.toThrow(message);
  });

  test.each([
    [undefined, 'nothing'],
    [null, 'null'],
    ['./app.ts', '"./app.ts"'],
  ])('%j is neither a handler nor settings', (served, shown) => {
    expect(() => createServer(served as never)).toThrow(
      `createServer(): expected a handler, or settings, received ${shown}`,
    );
  });

  test('many starts and ends leave no process and no descriptor', async () => {
    const count = (): number => readdirSync('/proc/self/fd').length;
    const once = async (): Promise<void> => {
      const handler = wsgi('say:app', {
        chdir: project.directory,
        workers: 1,
        python,
        log,
        env: { HERE: project.directory },
      });
      const server = make({ handler });
      const [url] = await server.listen();
      expect(await (await fetch(url!, { headers: { Connection: 'close' } })).text()).toBe('python');
      await server.close();
    };
    await once();
    const before = count();
    for (let i = 0; i < 5; i++) await once();
    await pollUntil(() => count() <= before + 1, { what: `${before} descriptors, not ${count()}` });
  });
});
