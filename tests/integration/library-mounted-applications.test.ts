/** Each kind of application in each server and framework: WSGI, CGI, static files, TypeScript, and a whole server with its routes. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { app, cgi, serveStatic, wsgi } from '../../src/library/applications.js';
import { createServer } from '../../src/library/gateway-server.js';
import type { Handler } from '../../src/types.js';
import { HOSTS } from '../support/mounted.js';
import { makeTempDir, removeTempDir } from '../support/temp-dir.js';
import { MemoryLog, python } from '../support/wsgi-site.js';

const WSGI = `
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    body = environ["wsgi.input"].read()
    return [f"wsgi {environ['SCRIPT_NAME']} {environ['PATH_INFO']} ".encode(), body]
`;
const CGI = '#!/bin/sh\nprintf "Content-Type: text/plain\\n\\ncgi $SCRIPT_NAME $PATH_INFO "\nexec cat\n';

const directory = makeTempDir();
const log = new MemoryLog();

const KINDS: Readonly<Record<string, () => Handler & { close(): Promise<void> }>> = {
  'wsgi()': () => wsgi('mounted_app:application', { chdir: directory, workers: 1, python, log }),
  'cgi()': () => cgi('programs', { chdir: directory, mount: '/', python, log }),
  'serveStatic()': () => serveStatic('files', { chdir: directory, log }),
  'app()': () =>
    app(
      {
        fetch: async (request, { mount }) =>
          new Response(`app ${mount} ${new URL(request.url).pathname} ${await request.text()}`),
      },
      { log },
    ),
  'createServer()': () => {
    const server = createServer({
      routes: [
        {
          path: '/page',
          handler: app({ fetch: (_, { mount }) => new Response(`server ${mount}`) }, { log }),
        },
        { path: '/gone', respond: { status: 410 } },
      ],
      log,
    });
    return Object.assign((...given: Parameters<Handler>) => server.handler(...given), {
      close: () => server.close(),
    });
  },
};

/** Target, method, and what is answered. */
const ANSWERS: Readonly<Record<string, readonly (readonly [string, string, number, string])[]>> = {
  'wsgi()': [
    ['/legacy/a%20b?c', 'GET', 200, 'wsgi /legacy /a b '],
    ['/legacy', 'POST', 200, 'wsgi /legacy  body'],
  ],
  'cgi()': [
    ['/legacy/hello/x', 'GET', 200, 'cgi /legacy/hello /x '],
    ['/legacy/hello', 'POST', 200, 'cgi /legacy/hello  body'],
    ['/legacy/none', 'GET', 404, 'XGI_'],
  ],
  'serveStatic()': [
    ['/legacy/page.html', 'GET', 200, '<p>static'],
    ['/legacy/page.html', 'HEAD', 200, ''],
    ['/legacy/page.html', 'POST', 405, '405 '],
    ['/legacy/none', 'GET', 404, 'XGI_'],
  ],
  'app()': [
    ['/legacy/a%20b?c', 'GET', 200, 'app /legacy /legacy/a%20b '],
    ['/legacy/x', 'POST', 200, 'app /legacy /legacy/x body'],
  ],
  'createServer()': [
    ['/legacy/page', 'GET', 200, 'server /legacy/page'],
    ['/legacy/gone', 'POST', 410, ''],
    ['/legacy/none', 'GET', 404, 'XGI_ROUTE_NONE'],
  ],
};

beforeAll(() => {
  writeFileSync(path.join(directory, 'mounted_app.py'), WSGI);
  for (const name of ['programs', 'files']) mkdirSync(path.join(directory, name));
  writeFileSync(path.join(directory, 'programs/hello'), CGI);
  chmodSync(path.join(directory, 'programs/hello'), 0o755);
  writeFileSync(path.join(directory, 'files/page.html'), '<p>static');
});
afterAll(() => removeTempDir(directory));

describe.each(Object.keys(KINDS))('%s', (kind) => {
  let handler: ReturnType<(typeof KINDS)[string]>;

  beforeAll(() => {
    handler = KINDS[kind]!();
  });
  afterAll(async () => await handler.close());

  test.each(Object.keys(HOSTS) as (keyof typeof HOSTS)[])('in %s', async (host) => {
    const port = await HOSTS[host](handler, { log });
    for (const [target, method, status, text] of ANSWERS[kind]!) {
      const body = method === 'POST' ? 'body' : null;
      const response = await fetch(`http://127.0.0.1:${port}${target}`, { method, body });
      const received = await response.text();
      expect([target, response.status, received]).toEqual([
        target,
        status,
        status < 400 ? text : expect.stringContaining(text),
      ]);
    }
  });
});
