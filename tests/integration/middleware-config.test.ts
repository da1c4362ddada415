/** Middleware of the server, of applications and of routes, from the configuration file; and TypeScript applications behind it. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { hear, Project } from '../support/cli-project.js';
import { pollUntil } from '../support/poll.js';
import { killAllIn, runXgi, spawnXgi, startXgi } from '../support/xgi.js';

/** Puts its name around the way that a request takes: its own header field, before and after. */
const MARK = `
import { deriveRequest, type Middleware, ResponseHead, withField } from 'xgi';

export default (name: string): Middleware => (next) => async (request) => {
  const fields = [...request.fields, 'X-In', name];
  const variables = [...request.variables, 'MARK', name];
  const { head, body } = await next(deriveRequest(request, { fields, variables }));
  const out = head.field('x-out') ?? '';
  return { head: new ResponseHead(head.status, withField(head.fields, 'X-Out', out + name)), body };
};
`;

const API = `
import { word } from './word.ts';
export default {
  async fetch(request: Request, { mount, variables }) {
    const { pathname, search } = new URL(request.url);
    const text = request.body === null ? '' : await request.text();
    return Response.json({ word, pathname, search, method: request.method, text, mount, variables, x: request.headers.get('x-in') });
  },
};
`;

const SITE = `
middleware:
  - headers: { set: { X-Site: here }, security: true }
apps:
  api: { target: ./api.ts, middleware: [{ ./mark.ts: app }] }
  py: { target: app:app, workers: 1 }
routes:
  - { path: /api, app: api, middleware: [{ ./mark.ts: route }] }
  - { app: py, middleware: [{ headers: { remove: [Content-Type] } }] }
`;

let project: Project;

beforeEach(() => {
  project = new Project();
  project.write('mark.ts', MARK);
  project.write('api.ts', API);
  project.write('word.ts', "export const word = 'one';\n");
  project.write('xgi.config.yaml', SITE);
});

afterEach(() => killAllIn(project.directory));

async function start() {
  return await startXgi([], { cwd: project.directory });
}

test('the server’s is outermost, then the route’s, then the application’s', async () => {
  const server = await start();
  const response = await fetch(server.url('/api/list?a=b'), { method: 'POST', body: 'hello' });
  expect(Object.fromEntries(response.headers)).toMatchObject({ 'x-site': 'here', 'x-out': 'approute' });
  expect(response.headers.get('x-frame-options')).toBe('SAMEORIGIN');
  expect(await response.json()).toEqual({
    word: 'one',
    pathname: '/api/list',
    search: '?a=b',
    method: 'POST',
    text: 'hello',
    mount: '/api',
    variables: { MARK: 'app' },
    x: 'route, app',
  });
});

test('before a WSGI application, it is the same', async () => {
  const server = await start();
  const response = await fetch(server.url('/'));
  expect(response.status).toBe(200);
  expect(response.headers.get('x-site')).toBe('here');
  expect(response.headers.get('content-type')).toBeNull();
});

test('a reload takes on changed middleware and code', async () => {
  const server = await start();
  expect(await hear(server.url('/api'))).toContain('"one"');
  project.write('word.ts', "export const word = 'two';\n");
  project.write('xgi.config.yaml', SITE.replace('X-Site: here', 'X-Site: there'));
  const { code, stderr } = await runXgi(['reload'], { cwd: project.directory });
  expect(stderr).toBe('');
  expect(code).toBe(0);
  const response = await fetch(server.url('/api'));
  expect(response.headers.get('x-site')).toBe('there');
  expect(await response.json()).toMatchObject({ word: 'two' });
});

describe('what cannot be used stops the start, and leaves a running one as it is', () => {
  test.each([
    ['a module that throws', 'mark.ts', 'throw new Error("no mark");', 'XGI_MIDDLEWARE_LOAD', 'no mark', 3],
    [
      'a module without a function',
      'mark.ts',
      'export default 3;',
      'XGI_MIDDLEWARE_LOAD',
      'of type number',
      3,
    ],
    [
      'a module that throws over its options',
      'mark.ts',
      'export default (name) => { throw new Error(`no mark ${name}`); };',
      'XGI_MIDDLEWARE_LOAD',
      'apps.api.middleware[0]: mark.ts threw: no mark app',
      3,
    ],
    [
      'a module that rejects',
      'mark.ts',
      'export default async (name) => { throw new Error(`no mark ${name}`); };',
      'XGI_MIDDLEWARE_LOAD',
      'apps.api.middleware[0]: mark.ts threw: no mark app',
      3,
    ],
    [
      'a module that gives another one wrong options',
      'mark.ts',
      'import { rateLimit } from "xgi"; export default () => rateLimit({ limit: 0 });',
      'XGI_MIDDLEWARE_LOAD',
      'apps.api.middleware[0]: mark.ts threw: rateLimit.limit: expected a whole number',
      3,
    ],
    [
      'a module that throws over what comes next',
      'mark.ts',
      'export default () => () => { throw new Error("no mark"); };',
      'XGI_MIDDLEWARE_LOAD',
      'apps.api.middleware[0]: mark.ts threw: no mark',
      3,
    ],
    ['an application that throws', 'api.ts', 'throw new Error("no api");', 'XGI_APP_LOAD', 'no api', 3],
    [
      'a middleware that is exported by its name alone',
      'mark.ts',
      'export const mark = () => (next) => next;',
      'XGI_MIDDLEWARE_LOAD',
      'expected mark.ts to export a function by default, (next) => (request) => …; it exports an object with mark',
      3,
    ],
    [
      'a middleware of another shape, Hono’s',
      'mark.ts',
      'export default () => async (request, next) => await next(request);',
      'XGI_MIDDLEWARE_LOAD',
      'called with the next handler, mark.ts returned a promise; expected a handler, as of (next) => (request) => …',
      3,
    ],
    ['an application without a shape', 'api.ts', 'export default 3;', 'XGI_APP_EXPORT', 'of type number', 3],
    [
      'a class',
      'api.ts',
      'export default class Shop { fetch() {} }',
      'XGI_APP_EXPORT',
      'received a class; export an instance of it: export default new Shop()',
      3,
    ],
    [
      'a class without a name',
      'api.ts',
      'export default class { fetch() {} }',
      'XGI_APP_EXPORT',
      'export default new App()',
      3,
    ],
    [
      'a promise',
      'api.ts',
      'export default Promise.resolve({ fetch() {} });',
      'XGI_APP_EXPORT',
      'received a promise; wait for it: export default await …',
      3,
    ],
    [
      'an object of something else',
      'api.ts',
      'export default { handle() {}, listen() {} };',
      'XGI_APP_EXPORT',
      'received an object without fetch, with handle, listen',
      3,
    ],
    [
      'a name that does not exist',
      'xgi.config.yaml',
      SITE.replace('headers: { set', 'haeders: { set'),
      'XGI_CONFIG_VALUE',
      'xgi.config.yaml:3:5: middleware[0]: there is no middleware "haeders"; did you mean headers?',
      2,
    ],
    [
      'an option that does not exist',
      'xgi.config.yaml',
      SITE.replace('remove:', 'removed:'),
      'XGI_CONFIG_KEY',
      'routes[1].middleware[0].headers.removed: there is no such setting; did you mean remove?',
      2,
    ],
    [
      'a value that is none',
      'xgi.config.yaml',
      SITE.replace('X-Site: here', 'X-Site: 3'),
      'XGI_CONFIG_VALUE',
      'xgi.config.yaml:3:31: middleware[0].headers.set.X-Site: expected the value of a header field',
      2,
    ],
    [
      'WSGI middleware where there is no WSGI application',
      'xgi.config.yaml',
      SITE.replace('{ ./mark.ts: app }', '"a.b:C"'),
      'XGI_CONFIG_VALUE',
      'is WSGI middleware',
      2,
    ],
  ])('%s', async (_what, file, text, code, message, status) => {
    const server = await start();
    expect(await hear(server.url('/api'))).toContain('"one"');
    project.write(file, text);
    const reloaded = await runXgi(['reload'], { cwd: project.directory });
    expect(reloaded.code).toBe(1);
    expect(reloaded.stderr).toContain(code);
    expect(await hear(server.url('/api'))).toContain('"one"');

    const other = spawnXgi(['-b', '127.0.0.1:0'], { cwd: project.directory });
    const { code: exit } = await other.exited;
    expect(other.output).toContain(code);
    expect(other.output).toContain(message);
    expect(exit).toBe(status);
  });
});

describe('what is no answer is told of whom it is from, behind middleware that would stumble over it', () => {
  const NO_HEAD = 'has answered without a head; expected { head: new ResponseHead(…), body }';

  test.each([
    [
      'a module that was given no options, and makes middleware of them',
      '[requestId, ./mark.ts]',
      'export default ({ name }) => (next) => (request) => next(request);',
      'middleware[1]: mark.ts has answered with a function; if it makes middleware, give it its options, or {}',
    ],
    [
      'a module that answers with nothing',
      '[requestId, { ./mark.ts: app }]',
      'export default () => (next) => async (request) => { await next(request); };',
      `middleware[1]: mark.ts ${NO_HEAD}`,
    ],
    [
      'a module that answers with a Response',
      '[requestId, { ./mark.ts: app }]',
      'export default () => () => () => new Response("hello");',
      `middleware[1]: mark.ts ${NO_HEAD}`,
    ],
  ])('%s', async (_what, middleware, mark, message) => {
    project.write('xgi.config.yaml', `target: ./api.ts\nmiddleware: ${middleware}\n`);
    project.write('mark.ts', mark);
    const server = await start();
    expect(await hear(server.url('/'))).toBe('502');
    await pollUntil(() => server.output.includes(message), { what: 'the log' });
    expect(server.output).not.toContain('XGI_INTERNAL');
  });

  test('an application', async () => {
    project.write('xgi.config.yaml', 'target: ./api.ts\nmiddleware: [requestId]\n');
    project.write('api.ts', 'export default (request) => undefined;');
    const server = await start();
    expect(await hear(server.url('/'))).toBe('502');
    await pollUntil(() => server.output.includes(`the handler ${NO_HEAD}`), { what: 'the log' });
    expect(server.output).not.toContain('XGI_INTERNAL');
  });
});
