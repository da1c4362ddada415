/** Several applications in one server, by routes; and what becomes of them when the file changes. */
import { chmodSync, mkdirSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { hear, Project } from '../support/cli-project.js';
import { pollUntil } from '../support/poll.js';
import { killAllIn, readStatus, runXgi, spawnXgi, startXgi, type XgiServer } from '../support/xgi.js';

/** Says who it is, and where. `/wait` waits for the file `go`. */
const APP = `
import os, time

WORD = "NAME"

def app(environ, start_response):
    if environ["PATH_INFO"] == "/wait":
        open("running", "w").close()
        while not os.path.exists("go"):
            time.sleep(0.005)
    start_response("200 OK", [("Content-Type", "text/plain")])
    parts = [WORD, environ["SCRIPT_NAME"], environ["PATH_INFO"], os.environ.get("PLACE", "")]
    return ["|".join(parts).encode()]
`;

const PROGRAM =
  '#!/bin/sh\nprintf \'Content-Type: text/plain\\n\\n%s|%s|%s\' "$0" "$SCRIPT_NAME" "$PATH_INFO"\n';

const SITE = `
apps:
  shop:
    target: shop:app
    workers: 1
    env: { PLACE: front }
  blog: { target: blog:app, workers: 1 }
  tools: { target: ./cgi-bin }
routes:
  - { app: shop }
  - { path: /blog, app: blog }
  - { host: blog.example.org, app: blog }
  - { path: /cgi-bin, app: tools }
  - { path: /tools/:name/*, app: tools }
  - { path: /api, mount: /, app: blog }
  - { path: /old, redirect: /blog/* }
  - { path: /health, respond: { body: fine } }
  - { path: /about$, app: blog }
`;

let project: Project;
/** Of this xgi, and no other that runs on this machine. */
let control: string[];
let server: XgiServer;

beforeEach(() => {
  project = new Project();
  control = ['--control-socket', project.file('control')];
  for (const name of ['shop', 'blog']) project.write(`${name}.py`, APP.replace('NAME', name));
  mkdirSync(project.file('cgi-bin'));
  chmodSync(project.write('cgi-bin/hello', PROGRAM), 0o755);
  chmodSync(project.write('cgi-bin/onward', "#!/bin/sh\nprintf 'Location: /blog/from-cgi\\n\\n'\n"), 0o755);
  project.write('xgi.config.yaml', SITE);
});

afterEach(() => killAllIn(project.directory));

async function start(): Promise<void> {
  server = await startXgi(control, { cwd: project.directory });
}

/** The answer of a request that names a host. */
async function hearOf(host: string, path: string): Promise<string> {
  const { request } = await import('node:http');
  return await new Promise((resolve, reject) => {
    const outgoing = request(server.url(path), { headers: { Host: host } }, (response) => {
      let text = '';
      response.setEncoding('latin1').on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve(text));
    });
    outgoing.on('error', reject).end();
  });
}

async function reload(): Promise<{ readonly ok: boolean; readonly message: string }> {
  const { stdout, stderr, code } = await runXgi(['reload', '--json', ...control], { cwd: project.directory });
  if (stdout === '') throw new Error(stderr);
  const outcome = JSON.parse(stdout) as { ok: boolean; failure?: { message: string } };
  expect(code).toBe(outcome.ok ? 0 : 1);
  return { ok: outcome.ok, message: outcome.failure?.message ?? '' };
}

async function pidsOf(application: string): Promise<(number | null)[]> {
  const status = await readStatus(control, {});
  const workers = status!.gateways.flatMap((gateway) => gateway.workers);
  return workers.filter((worker) => worker.application === application).map(({ pid }) => pid);
}

test('static files below a route, and what they link to', async () => {
  mkdirSync(project.file('files/sub'), { recursive: true });
  project.write('files/a.txt', 'a file');
  project.write('files/sub/index.html', 'an index');
  project.write(
    'xgi.config.yaml',
    `${SITE.replace('routes:', '  files: { kind: static, target: ./files, listing: true, cacheControl: { "*.txt": no-cache } }\nroutes:')}  - { path: /static, app: files }\n`,
  );
  await start();
  const ask = (path: string): Promise<Response> => fetch(server.url(path), { redirect: 'manual' });
  const file = await ask('/static/a.txt');
  expect([file.status, await file.text(), file.headers.get('cache-control')]).toEqual([
    200,
    'a file',
    'no-cache',
  ]);
  expect((await ask('/static/sub')).headers.get('location')).toBe('/static/sub/');
  expect((await ask('/static')).headers.get('location')).toBe('/static/');
  expect(await (await ask('/static/sub/')).text()).toBe('an index');
  expect(await (await ask('/static/')).text()).toContain('/static/');
  expect((await ask('/static/none')).status).toBe(404);
  expect(await hear(server.url('/a/b'))).toBe('shop||/a/b|front');
  const { stdout } = await runXgi(['routes'], { cwd: project.directory });
  expect(stdout).toMatch(/\/static +→ files: static \.\/files/);
});

test('a path that ends with $ takes nothing below it, and is no mount', async () => {
  await start();
  const answers = await Promise.all(
    ['/about', '/%61bout', '/about/', '/about/us'].map((path) => hear(server.url(path))),
  );
  expect(answers).toEqual(['blog||/about|', 'blog||/about|', 'shop||/about/|front', 'shop||/about/us|front']);
});

test('each request goes where its route leads, with SCRIPT_NAME and PATH_INFO split there', async () => {
  await start();
  const answers = async (paths: string[]) => Promise.all(paths.map((path) => hear(server.url(path))));
  expect(await answers(['/', '/a/b', '/blog', '/blog/', '/bl%6fg/x%20y', '/blogs', '/api/v1'])).toEqual([
    'shop||/|front',
    'shop||/a/b|front',
    'blog|/blog||',
    'blog|/blog|/|',
    'blog|/blog|/x y|',
    'shop||/blogs|front',
    'blog||/api/v1|',
  ]);
  expect(await hearOf('blog.example.org', '/blog')).toBe('blog||/blog|');
  expect(await hear(server.url('/cgi-bin/hello/more'))).toBe(
    `${project.file('cgi-bin/hello')}|/cgi-bin/hello|/more`,
  );
  expect(await hear(server.url('/tools/any/hello'))).toBe(
    `${project.file('cgi-bin/hello')}|/tools/any/hello|`,
  );
  expect(await hear(server.url('/health'))).toBe('fine');
  const moved = await fetch(server.url('/old/a/b?c=d'), { redirect: 'manual' });
  expect([moved.status, moved.headers.get('location')]).toEqual([302, '/blog/a/b?c=d']);
});

test('a local redirect of a program goes to the routes of the site', async () => {
  await start();
  expect(await hear(server.url('/cgi-bin/onward'))).toBe('blog|/blog|/from-cgi|');
});

test('where no route leads: 404', async () => {
  project.write('xgi.config.yaml', SITE.replace('- { app: shop }', '- { path: /shop, app: shop }'));
  await start();
  expect(await hear(server.url('/'))).toBe('404');
  expect(await hear(server.url('/shop/x'))).toBe('shop|/shop|/x|front');
});

test('status names the application; scale takes its name', async () => {
  await start();
  await server.waitForOutput(/Ready after/);
  const cwd = project.directory;
  expect((await runXgi(['status', ...control], { cwd })).stdout).toMatch(/APP .*\n.* shop /);
  expect((await runXgi(['scale', '2', ...control], { cwd })).stderr).toContain(
    'app: expected the name of an application (shop, blog, tools), received none',
  );
  expect((await runXgi(['scale', '2', '--app', 'blog', ...control], { cwd })).code).toBe(0);
  await pollUntil(async () => (await pidsOf('blog')).length === 2);
  expect(await pidsOf('shop')).toHaveLength(1);
});

describe('a reload', () => {
  beforeEach(async () => {
    await start();
    await server.waitForOutput(/Ready after/);
  });

  test('applies a new file: routes, applications that come, change and go', async () => {
    project.write('news.py', APP.replace('NAME', 'news'));
    const launcher = await pidsOf('tools');
    project.write(
      'xgi.config.yaml',
      SITE.replace('blog: { target: blog:app', 'news: { target: news:app')
        .replaceAll('app: blog', 'app: news')
        .replace('PLACE: front', 'PLACE: back'),
    );
    expect(await reload()).toEqual({ ok: true, message: '' });
    expect(await hear(server.url('/blog/x'))).toBe('news|/blog|/x|');
    expect(await hear(server.url('/'))).toBe('shop||/|back');
    // As it was, it goes on.
    expect(await pidsOf('tools')).toEqual(launcher);
    const status = await runXgi(['status', ...control], { cwd: project.directory });
    expect(status.stdout).toMatch(/\n {2}target {7}shop, news, tools\n/);
    await pollUntil(async () => (await pidsOf('blog')).length === 0);
  });

  test('loads the code of applications that are configured as before', async () => {
    project.write('shop.py', APP.replace('NAME', 'new shop'));
    expect(await reload()).toEqual({ ok: true, message: '' });
    expect(await hear(server.url('/'))).toBe('new shop||/|front');
  });

  test('is without loss: what a replaced application was given, it answers', async () => {
    const slow = hear(server.url('/wait'));
    // Behind the first: there is one worker, which is busy.
    await pollUntil(() => hear(server.url('/health')));
    const waiting = Array.from({ length: 4 }, (_, i) => hear(server.url(`/queued/${i}`)));
    await pollUntil(async () => {
      const status = await readStatus(control, {});
      return status!.gateways[0]!.queue.waiting === 4;
    });
    project.write('xgi.config.yaml', SITE.replace('PLACE: front', 'PLACE: back'));
    expect((await reload()).ok).toBe(true);
    expect(await hear(server.url('/new'))).toBe('shop||/new|back');
    project.letGo();
    expect(await slow).toBe('shop||/wait|front');
    expect(await Promise.all(waiting)).toEqual([0, 1, 2, 3].map((i) => `shop||/queued/${i}|front`));
  });

  test.each([
    ['broken', SITE.replace('routes:', 'routes: ['), 'xgi.config.yaml:'],
    [
      'an unknown key',
      SITE.replace('workers: 1', 'wrokers: 1'),
      'wrokers: there is no such setting; did you mean workers?',
    ],
    [
      'an application that is not there',
      SITE.replace('target: blog:app', 'target: nothing:app'),
      'application blog: ',
    ],
    ['no route', SITE.replaceAll('app: tools', 'app: shop'), 'apps.tools: no route leads to it'],
    ['another address', `bind: [":1"]\n${SITE}`, 'it has changed, and is read at the start only'],
  ])('never takes a file that is wrong: %s', async (_what, text, message) => {
    const before = await Promise.all(['shop', 'blog'].map(pidsOf));
    // Not the flag of the test: it would win over the file.
    project.write('xgi.config.yaml', text.replace('bind: [":1"]', 'backlog: 7'));
    const outcome = await reload();
    expect(outcome.ok).toBe(false);
    expect(outcome.message).toContain(message);
    await server.waitForOutput(/XGI_RELOAD_CONFIG: nothing is changed, the old configuration goes on/);
    expect(await hear(server.url('/blog/x'))).toBe('blog|/blog|/x|');
    expect(await hear(server.url('/'))).toBe('shop||/|front');
    expect(await Promise.all(['shop', 'blog'].map(pidsOf))).toEqual(before);
  });

  test('on SIGHUP as well', async () => {
    project.write('xgi.config.yaml', SITE.replace('PLACE: front', 'PLACE: back'));
    server.child.kill('SIGHUP');
    await server.waitForOutput(/Reloaded in/);
    expect(await hear(server.url('/'))).toBe('shop||/|back');
  });
});

test('a reload while it starts waits for that, and starts nothing twice', async () => {
  project.write('shop.py', `import os, time\nwhile not os.path.exists("go"): time.sleep(0.01)\n${APP}`);
  await start();
  await server.waitForOutput(/Booting worker/);
  project.write('xgi.config.yaml', SITE.replace('PLACE: front', 'PLACE: back'));
  server.child.kill('SIGHUP');
  await server.waitForOutput(/Handling signal: hup/);
  project.letGo();
  await server.waitForOutput(/Reloaded in/);
  expect(await hear(server.url('/'))).toBe('NAME||/|back');
  await pollUntil(async () => (await pidsOf('shop')).length === 1);
  // Of shop and blog: one at the start, one by the reload.
  expect(server.workerPids.length).toBe(4);
});

test('the file of one application is read again, too', async () => {
  const text = 'target: shop:app\nworkers: 1\nenv: { PLACE: front }\n';
  project.write('xgi.config.yaml', text);
  await start();
  await server.waitForOutput(/Ready after/);
  expect(await hear(server.url('/'))).toBe('shop||/|front');
  project.write('xgi.config.yaml', text.replace('front', 'back'));
  expect(await reload()).toEqual({ ok: true, message: '' });
  expect(await hear(server.url('/'))).toBe('shop||/|back');
});

test.each([
  ['shop', 'app: shop }', 'app: shpo }', 'there is no application "shpo" in apps; did you mean shop?'],
  [
    'twice',
    '- { app: shop }',
    '- { app: shop }\n  - { app: blog }',
    'routes[1]: it is never reached, as routes[0] takes the same requests',
  ],
  [
    'no action',
    ', respond: { body: fine }',
    '',
    'routes[7]: expected one of app, handler, redirect and respond, received none',
  ],
  ['mount', 'mount: /', 'mount: /other', "routes[5].mount: expected the front of the route's path, or /"],
  [
    'end',
    'path: /about$',
    'path: /about$, mount: /about$',
    "routes[8].mount: expected the front of the route's path, or /",
  ],
  ['path', 'path: /old', 'path: old', 'routes[6].path: expected a path, for example /shop'],
  [
    'body',
    '{ body: fine }',
    '{ bodi: fine }',
    'routes[7].respond.bodi: there is no such setting; did you mean body?',
  ],
  [
    'outer',
    'apps:',
    'workers: 2\napps:',
    'workers: it is for one application; with apps and routes, write it into one of apps',
  ],
  [
    'inner',
    'workers: 1',
    'bind: []',
    'apps.shop.bind: it is for the server as a whole, and stands outside of apps',
  ],
  [
    'value',
    'workers: 1',
    'workers: many',
    'apps.shop.workers: expected a whole number from 1 to 1024, or MIN..MAX, received "many"\n\n    5 |     workers: many\n      |              ^',
  ],
  ['folder', 'target: ./cgi-bin', 'target: ./none, kind: cgi', 'there is nothing of that name'],
])('a file that is wrong does not start: %s', async (_name, from, to, message) => {
  project.write('xgi.config.yaml', SITE.replace(from, to));
  const program = spawnXgi([], { cwd: project.directory });
  expect((await program.exited).code).toBe(2);
  expect(program.stderr).toContain(message);
  expect(program.stdout).toBe('');
});
