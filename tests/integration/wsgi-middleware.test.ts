/** WSGI middleware of the configuration file, around applications that know nothing of it; with real workers. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Project } from '../support/cli-project.js';
import { killAllIn, readStatus, runXgi, spawnXgi, startXgi, type XgiServer } from '../support/xgi.js';
import { isMissing, testPython } from '../support/test-env.js';

/** Says which middleware a request has come through, and which process answers. */
const APP = `
import json, os

def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps({"way": environ.get("test.way", []), "pid": os.getpid()}).encode()]
`;

const MARKS = `
WORD = "one"

class Marks:
    def __init__(self, application, name="", **options):
        self.application, self.mark = application, [WORD, name, options]

    def __call__(self, environ, start_response):
        environ.setdefault("test.way", []).append(self.mark)
        return self.application(environ, start_response)

def raises(application):
    raise KeyError("setting")

def returns_none(application):
    pass
`;

interface Told {
  readonly way: readonly unknown[];
  readonly pid: number;
}

let project: Project;

beforeEach(() => {
  project = new Project();
  project.write('app.py', APP);
  project.write('marks.py', MARKS);
});

afterEach(() => killAllIn(project.directory));

function configure(text: string): void {
  project.write('xgi.config.yaml', text);
}

async function start(...args: string[]): Promise<XgiServer> {
  return await startXgi(args, { cwd: project.directory });
}

async function ask(server: XgiServer, target = '/'): Promise<Told> {
  return (await (await fetch(server.url(target))).json()) as Told;
}

const SINGLE = `
target: app:app
workers: 1
middleware:
  - headers: { set: { X-Site: here } }
  - marks:Marks: { name: outer, deep: [1, { a: null }] }
  - marks:Marks
`;

test.each([
  ['workers of their own', []],
  ['a zygote', ['--preload']],
  ['threads', ['--threads', '3']],
  ['several gateways', ['--gateways', '2', '-w', '2']],
])('one application, with %s: the first is the outermost', async (_what, flags) => {
  configure(SINGLE);
  const server = await start(...flags);
  const response = await fetch(server.url('/'));
  expect(response.headers.get('x-site')).toBe('here');
  expect(((await response.json()) as Told).way).toEqual([
    ['one', 'outer', { deep: [1, { a: null }] }],
    ['one', '', {}],
  ]);
});

const SITE = `
apps:
  shop: { target: app:app, workers: 1, middleware: [{ marks:Marks: { name: shop } }] }
  blog: { target: app:app, workers: 1 }
routes:
  - { path: /blog, app: blog }
  - { app: shop }
`;

test('of several applications each has its own, and a reload applies a change', async () => {
  configure(SITE);
  const server = await start();
  const [shop, blog] = [await ask(server), await ask(server, '/blog')];
  expect(shop.way).toEqual([['one', 'shop', {}]]);
  expect(blog.way).toEqual([]);
  configure(SITE.replace('name: shop', 'name: store'));
  expect(await runXgi(['reload'], { cwd: project.directory })).toMatchObject({ code: 0, stderr: '' });
  expect((await ask(server)).way).toEqual([['one', 'store', {}]]);
  configure(SITE.replace(', middleware: [{ marks:Marks: { name: shop } }]', ''));
  expect(await runXgi(['reload'], { cwd: project.directory })).toMatchObject({ code: 0, stderr: '' });
  expect((await ask(server)).way).toEqual([]);
});

test('where it stands in the file is not what it is: workers that were scaled stay', async () => {
  configure(SITE);
  await start();
  const { directory: cwd } = project;
  expect((await runXgi(['scale', '2', '--app', 'shop'], { cwd })).code).toBe(0);
  configure(`# A comment.\n${SITE}`);
  expect(await runXgi(['reload'], { cwd })).toMatchObject({ code: 0, stderr: '' });
  const status = await readStatus([], { cwd });
  const workers = status!.gateways.flatMap((gateway) => gateway.workers);
  expect(workers.filter(({ application }) => application === 'shop')).toHaveLength(2);
});

test('its code is reloaded with the application', async () => {
  configure(SINGLE);
  const server = await start();
  project.write('marks.py', MARKS.replace('"one"', '"second"'));
  expect(await runXgi(['reload'], { cwd: project.directory })).toMatchObject({ code: 0, stderr: '' });
  expect((await ask(server)).way).toContainEqual(['second', '', {}]);
});

describe('what cannot be used stops the start, and a reload leaves the old one', () => {
  test.each([
    [
      'nothing_here:Marks',
      'nothing_here:Marks needs the module nothing_here, which is not installed for',
      'ModuleNotFoundError',
    ],
    ['marks:Mark', "marks has no attribute 'Mark'; did you mean 'Marks'?", ''],
    ['marks:WORD', 'marks:WORD is of type str; expected a callable', ''],
    ['marks:returns_none', 'marks:returns_none returned None, not a WSGI callable', ''],
    [
      'marks:raises',
      "marks:raises, called with the application and its options, raised KeyError: 'setting'",
      'in raises',
    ],
    ['marks:raises: { a: 1 }', 'raised TypeError: raises() got an unexpected keyword argument', 'TypeError'],
    ['broken:wrap', 'broken:wrap raised SyntaxError', 'broken.py'],
  ])('%s', async (entry, message, traceback) => {
    project.write('broken.py', 'def (\n');
    configure(SINGLE);
    const server = await start();
    const before = await ask(server);
    configure(SINGLE.replace(/marks:Marks$/m, entry));
    const place = 'xgi.config.yaml:7:5: middleware[2]: ';
    const reloaded = await runXgi(['reload'], { cwd: project.directory });
    expect(reloaded.code).toBe(1);
    expect(reloaded.stderr).toContain(`XGI_MIDDLEWARE_LOAD: ${place}`);
    expect(server.output).toContain(message);
    expect(server.output).toContain(traceback);
    expect(await ask(server)).toEqual(before);

    const other = spawnXgi(['-b', '127.0.0.1:0'], { cwd: project.directory });
    expect((await other.exited).code).toBe(3);
    expect(other.output).toContain(`XGI_MIDDLEWARE_LOAD: ${place}`);
    expect(other.output).toContain(message);
    expect(other.output).toContain(traceback);

    const checked = spawnXgi(['check'], { cwd: project.directory });
    expect((await checked.exited).code).toBe(3);
    expect(checked.output).toContain(message);
  });

  test('options that are no keyword arguments', async () => {
    configure(SINGLE.replace(/marks:Marks$/m, 'marks:Marks: [1]'));
    const other = spawnXgi(['-b', '127.0.0.1:0'], { cwd: project.directory });
    expect((await other.exited).code).toBe(2);
    expect(other.output).toContain(
      'xgi.config.yaml:7:5: middleware[2]: expected the keyword arguments of marks:Marks as an object of what JSON has, received [ 1 ]',
    );
  });

  test('options that JSON would leave out', async () => {
    project.write(
      'xgi.config.ts',
      `export default { target: 'app:app', middleware: [{ 'marks:Marks': { name: () => 'x' } }] };\n`,
    );
    const other = spawnXgi(['-b', '127.0.0.1:0'], { cwd: project.directory });
    expect((await other.exited).code).toBe(2);
    expect(other.output).toContain('of what JSON has, received { name: [Function: name] }');
  });
});

describe.skipIf(isMissing('Flask'))('werkzeug’s, around Flask', () => {
  const FLASK = `
from flask import Flask, request

app = Flask(__name__)

@app.route("/<path:rest>", methods=["GET", "POST"])
def whole(rest):
    return {"host": request.host_url, "remote": request.remote_addr, "body": len(request.get_data())}

def admin(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [("admin " + environ["SCRIPT_NAME"] + " " + environ["PATH_INFO"]).encode()]

def with_admin(application, at):
    from werkzeug.middleware.dispatcher import DispatcherMiddleware
    return DispatcherMiddleware(application, {at: admin})
`;

  beforeEach(() => project.write('shop.py', FLASK));

  test('ProfilerMiddleware, ProxyFix and a dispatcher, in front of the validator or not', async () => {
    for (const validate of [false, true]) {
      configure(`
target: shop:app
python: ${testPython()}
workers: 1
validate: ${validate}
middleware:
  - werkzeug.middleware.profiler:ProfilerMiddleware: { restrictions: [3], sort_by: [cumtime] }
  - werkzeug.middleware.proxy_fix:ProxyFix: { x_for: 1, x_host: 1 }
  - shop:with_admin: { at: /admin }
`);
      const server = await start('--forwarded-allow-ips', '*');
      const headers = { 'X-Forwarded-Host': 'shop.example.org' };
      const response = await fetch(server.url('/a/b'), {
        method: 'POST',
        body: 'x'.repeat(100_000),
        headers,
      });
      expect(await response.json()).toMatchObject({ body: 100_000 });
      expect(await (await fetch(server.url('/admin/users'))).text()).toBe('admin /admin /users');
      await server.waitForOutput(/PATH: '\/a\/b'[^]*function calls/);
      expect(server.output).not.toContain('XGI_WSGI_VALIDATE');
      await server.stop();
    }
  });
});
