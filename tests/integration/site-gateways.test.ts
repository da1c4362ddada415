/** Several applications, and several gateways: one site to those who ask, one service to those who steer. A reload is all or nothing. */
import { once } from 'node:events';
import { chmodSync, mkdirSync, unlinkSync } from 'node:fs';
import { request } from 'node:http';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ServiceStatus } from '../../src/service/status.js';
import { hear, Project } from '../support/cli-project.js';
import { pollUntil } from '../support/poll.js';
import {
  killAllIn,
  processesIn,
  readStatus,
  runXgi,
  spawnXgi,
  startXgi,
  type XgiServer,
} from '../support/xgi.js';

/** Says who it is, and which gateway asked. With the file `NAME.hangs`, its import hangs. */
const APP = `
import os

WORD = "NAME"

if os.path.exists("NAME.hangs"):
    import time
    while True:
        time.sleep(0.01)

def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    parts = [WORD, environ["PATH_INFO"], os.environ.get("PLACE", ""), str(os.getppid())]
    return ["|".join(parts).encode()]
`;

/** Cannot be loaded by a worker of the process that is named in the file `gateway`. */
const PICKY = `import os
if str(os.getppid()) == open("gateway").read():
    raise ValueError("not here")
${APP}`;

const SITE = `
gateways: 2
middleware:
  - headers: { set: { X-Site: old } }
apps:
  shop: { target: shop:app, workers: 2, env: { PLACE: front } }
  blog: { target: blog:app, workers: 2 }
  tools: { target: ./cgi-bin }
  files: { kind: static, target: ./files }
routes:
  - { app: shop }
  - { path: /blog, app: blog }
  - { path: /cgi-bin, app: tools }
  - { path: /files, app: files }
`;

let project: Project;
/** Of this xgi, and no other that runs on this machine. */
let control: string[];
let server: XgiServer;

beforeEach(() => {
  project = new Project();
  control = ['--control-socket', project.file('control')];
  for (const name of ['shop', 'blog']) project.write(`${name}.py`, APP.replaceAll('NAME', name));
  mkdirSync(project.file('cgi-bin'));
  mkdirSync(project.file('files'));
  project.write('files/a.txt', 'a file');
  chmodSync(
    project.write('cgi-bin/hello', "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\nhello'\n"),
    0o755,
  );
  project.write('xgi.config.yaml', SITE);
});

afterEach(() => killAllIn(project.directory));

async function start(): Promise<void> {
  server = await startXgi(control, { cwd: project.directory, env: { PYTHONDONTWRITEBYTECODE: '1' } });
  await server.waitForOutput(/Ready after/, 20_000);
}

async function status(fits: (told: ServiceStatus) => boolean = () => true): Promise<ServiceStatus> {
  return await pollUntil(
    async () => {
      const told = await readStatus(control, {});
      return told !== undefined && fits(told) && told;
    },
    { what: 'a status that fits', deadlineMs: 20_000 },
  );
}

async function secondGateway(): Promise<number> {
  const { gateways } = await status(isWhole);
  return gateways.find(({ pid }) => pid !== server.pid)!.pid;
}

/** Both gateways serve all of shop and blog. */
function isWhole({ state, gateways }: ServiceStatus): boolean {
  return state === 'ready' && gateways.length === 2;
}

/** How many workers of an application are ready, in each gateway. */
function sharesOf(application: string, { gateways }: ServiceStatus): number[] {
  return gateways.map(
    ({ workers }) =>
      workers.filter((worker) => worker.application === application && worker.state === 'ready').length,
  );
}

/** What a path says in each gateway: asked by new connections until both have answered; all that was heard. */
async function hearBoth(path: string, gateways: readonly number[]): Promise<Set<string>> {
  const heard = new Map<string, string>();
  await pollUntil(
    async () => {
      for (const text of await Promise.all(Array.from({ length: 16 }, () => hearNew(path)))) {
        const cut = text.lastIndexOf('|');
        heard.set(text.slice(cut + 1), text.slice(0, cut));
      }
      return gateways.every((pid) => heard.has(String(pid)));
    },
    { what: `answers of both gateways: ${[...heard.keys()].join()}`, deadlineMs: 20_000 },
  );
  return new Set(heard.values());
}

async function hearNew(path: string): Promise<string> {
  const [response] = await once(request(server.url(path), { agent: false }).end(), 'response');
  let text = '';
  for await (const chunk of response.setEncoding('latin1')) text += chunk;
  return text;
}

async function reload(): Promise<{ readonly ok: boolean; readonly code: string; readonly message: string }> {
  const { stdout, stderr } = await runXgi(['reload', '--json', ...control], { cwd: project.directory });
  if (stdout === '') throw new Error(stderr);
  const outcome = JSON.parse(stdout) as { ok: boolean; failure?: { code: string; message: string } };
  return { ok: outcome.ok, code: outcome.failure?.code ?? '', message: outcome.failure?.message ?? '' };
}

test('both serve all of it, and each has its share of the workers of each application', async () => {
  await start();
  const both = [server.pid, await secondGateway()];
  expect(await hearBoth('/a', both)).toEqual(new Set(['shop|/a|front']));
  expect(await hearBoth('/blog/a', both)).toEqual(new Set(['blog|/a|']));
  const [programs, files] = await Promise.all(
    ['/cgi-bin/hello', '/files/a.txt'].map((path) =>
      Promise.all(Array.from({ length: 16 }, () => hearNew(path))),
    ),
  );
  expect([new Set(programs), new Set(files)]).toEqual([new Set(['hello']), new Set(['a file'])]);
  const told = await status();
  expect([sharesOf('shop', told), sharesOf('blog', told)]).toEqual([
    [1, 1],
    [1, 1],
  ]);
  expect(await server.stop()).toEqual({ code: 0, signal: null });
  expect(processesIn(project.directory)).toEqual([]);
});

test('scale --app changes the shares, and the total; a gateway that takes the place of another has them too', async () => {
  await start();
  const second = await secondGateway();
  const before = (await status()).workers.max;
  const { stdout } = await runXgi(['scale', '5', '--app', 'blog', ...control], { cwd: project.directory });
  expect(stdout).toMatch(/will have 5 workers of blog\n/);
  const told = await status((now) => String(sharesOf('blog', now)) === '3,2');
  expect(sharesOf('shop', told)).toEqual([1, 1]);
  expect(told.workers.max).toBe(before + 3);
  process.kill(second, 'SIGKILL');
  await status(
    (now) => isWhole(now) && now.gateways[1]!.pid !== second && String(sharesOf('blog', now)) === '3,2',
  );
  const refused = await runXgi(['scale', '1', '--app', 'blog', ...control], { cwd: project.directory });
  expect(refused.stderr).toContain('expected 2 to 1024, one for each gateway at least, received 1');
});

describe('a reload', () => {
  let both: number[];

  beforeEach(async () => {
    await start();
    both = [server.pid, await secondGateway()];
  });

  test('applies a new file in both', async () => {
    project.write('news.py', APP.replaceAll('NAME', 'news'));
    project.write('shop.py', APP.replaceAll('NAME', 'new shop'));
    project.write(
      'xgi.config.yaml',
      SITE.replace('blog: { target: blog:app', 'news: { target: news:app').replace('app: blog', 'app: news'),
    );
    expect(await reload()).toMatchObject({ ok: true });
    expect(await hearBoth('/blog/x', both)).toEqual(new Set(['news|/x|']));
    expect(await hearBoth('/', both)).toEqual(new Set(['new shop|/|front']));
    await status((now) => String(sharesOf('blog', now)) === '0,0' && String(sharesOf('news', now)) === '1,1');
    // What takes the place of a gateway later has the new one.
    process.kill(both[1]!, 'SIGKILL');
    const { gateways } = await status((now) => isWhole(now) && now.gateways[1]!.pid !== both[1]);
    expect(await hearBoth('/blog/x', [server.pid, gateways[1]!.pid])).toEqual(new Set(['news|/x|']));
  });

  test.each([
    ['broken', SITE.replace('routes:', 'routes: ['), 'xgi.config.yaml:'],
    ['an unknown key', SITE.replace('workers: 2', 'wrokers: 2'), 'did you mean workers?'],
    [
      'an application that is not there',
      SITE.replace('target: blog:app', 'target: nothing:app'),
      'application blog: ',
    ],
    [
      'fewer workers than gateways',
      SITE.replace('workers: 2', 'workers: 1'),
      'apps.shop.workers: expected 2 at least, one for each of',
    ],
    ['another number of gateways', SITE.replace('gateways: 2', 'gateways: 1'), 'read at the start only'],
  ])('never takes a file that is wrong, in either: %s', async (_what, text, message) => {
    const workers = async (): Promise<unknown> =>
      (await status()).gateways.map((gateway) => gateway.workers.map(({ pid }) => pid));
    const before = await workers();
    project.write('xgi.config.yaml', text);
    const outcome = await reload();
    expect(outcome.ok).toBe(false);
    expect(outcome.message).toContain(message);
    expect(server.stderr.match(/XGI_RELOAD_CONFIG: nothing is changed/g)).toHaveLength(1);
    expect(await hearBoth('/blog/x', both)).toEqual(new Set(['blog|/x|']));
    expect(await workers()).toEqual(before);
  });

  test('a file that is wrong is not read by a gateway that takes the place of another', async () => {
    project.write('xgi.config.yaml', SITE.replace('routes:', 'routes: ['));
    process.kill(both[1]!, 'SIGKILL');
    const { gateways } = await status((now) => isWhole(now) && now.gateways[1]!.pid !== both[1]);
    expect(await hearBoth('/blog/x', [server.pid, gateways[1]!.pid])).toEqual(new Set(['blog|/x|']));
  });

  test('what the second cannot start changes nothing in the first', async () => {
    project.write('gateway', String(both[1]));
    project.write('news.py', PICKY.replaceAll('NAME', 'news'));
    project.write(
      'xgi.config.yaml',
      SITE.replace('target: blog:app', 'target: news:app').replace('PLACE: front', 'PLACE: back'),
    );
    const outcome = await reload();
    expect(outcome.ok).toBe(false);
    expect(outcome.message).toMatch(new RegExp(`^gateway ${both[1]}: application blog: .*not here`));
    expect(await hearBoth('/blog/x', both)).toEqual(new Set(['blog|/x|']));
    expect(await hearBoth('/', both)).toEqual(new Set(['shop|/|front']));
    // Nothing is left of what the first had started.
    await status((now) => String(sharesOf('blog', now)) === '1,1' && String(sharesOf('shop', now)) === '1,1');
    project.write('gateway', 'none');
    expect(await reload()).toMatchObject({ ok: true });
    expect(await hearBoth('/', both)).toEqual(new Set(['shop|/|back']));
  });

  test('code that the second cannot load: partial, and no routes change', async () => {
    project.write('gateway', String(both[1]));
    project.write('shop.py', PICKY.replaceAll('NAME', 'shop'));
    project.write('xgi.config.yaml', SITE.replace('path: /blog', 'path: /news'));
    expect(await reload()).toMatchObject({ ok: false, code: 'XGI_RELOAD_PARTIAL' });
    expect(await hearBoth('/blog/x', both)).toEqual(new Set(['blog|/x|']));
    expect(server.stderr).not.toContain('XGI_RELOAD_CONFIG');
  });

  test('one whose application hangs is given up for the next', async () => {
    project.write('news.py', APP.replaceAll('NAME', 'news'));
    project.write('news.hangs', '');
    const before = processesIn(project.directory).length;
    project.write('xgi.config.yaml', SITE.replace('target: blog:app', 'target: news:app'));
    const hanging = reload();
    await status((now) => now.state === 'reloading');
    project.write('xgi.config.yaml', SITE.replace('PLACE: front', 'PLACE: back'));
    expect(await reload()).toMatchObject({ ok: true });
    expect(await hanging).toMatchObject({ ok: true });
    expect(server.stderr).toContain('XGI_RELOAD_HANGS: an application is not started after 10 s');
    expect(await hearBoth('/', both)).toEqual(new Set(['shop|/|back']));
    await pollUntil(() => processesIn(project.directory).length === before);
  }, 40_000);
});

test('middleware is in both, and a reload changes it in both', async () => {
  await start();
  const sites = async (): Promise<Set<string | null>> => {
    const answers = await Promise.all(
      Array.from({ length: 32 }, () => fetch(server.url('/'), { headers: { connection: 'close' } })),
    );
    return new Set(answers.map(({ headers }) => headers.get('x-site')));
  };
  expect(await sites()).toEqual(new Set(['old']));
  project.write('xgi.config.yaml', SITE.replace('X-Site: old', 'X-Site: new'));
  expect(await reload()).toMatchObject({ ok: true });
  expect(await sites()).toEqual(new Set(['new']));
  project.write(
    'xgi.config.yaml',
    SITE.replace('- headers: { set: { X-Site: old } }', '- ./broken.mjs').replace(
      'PLACE: front',
      'PLACE: back',
    ),
  );
  project.write('broken.mjs', 'throw new Error("no such thing");\n');
  const outcome = await reload();
  expect(outcome).toMatchObject({ ok: false, code: 'XGI_MIDDLEWARE_LOAD' });
  expect(outcome.message).toContain('no such thing');
  expect(await sites()).toEqual(new Set(['new']));
  expect(await hear(server.url('/'))).toContain('shop|/|front');
});

test('a function as middleware cannot be given to several gateways', async () => {
  unlinkSync(project.file('xgi.config.yaml'));
  project.write(
    'xgi.config.mjs',
    'export default { target: "shop:app", workers: 2, gateways: 2, middleware: [(next) => next] };\n',
  );
  const program = spawnXgi([], { cwd: project.directory });
  expect((await program.exited).code).toBe(2);
  expect(program.stderr).toContain(
    'xgi.config.mjs:1:76: middleware[0]: a function cannot be given to several gateways; write it into a module',
  );
});

test('one application: the file is read again as well', async () => {
  const text = 'gateways: 2\ntarget: shop:app\nworkers: 2\nenv: { PLACE: front }\n';
  project.write('xgi.config.yaml', text);
  await start();
  const both = [server.pid, await secondGateway()];
  expect(await hearBoth('/', both)).toEqual(new Set(['shop|/|front']));
  project.write('xgi.config.yaml', text.replace('target: shop:app', 'target: nothing:app'));
  expect(await reload()).toMatchObject({ ok: false });
  expect(await hearBoth('/', both)).toEqual(new Set(['shop|/|front']));
  project.write('xgi.config.yaml', text.replace('front', 'back'));
  expect(await reload()).toMatchObject({ ok: true });
  expect(await hearBoth('/', both)).toEqual(new Set(['shop|/|back']));
});

test('it is ready when each application has a worker, not when one has', async () => {
  await start();
  await status(isWhole);
  project.write('blog.py', 'raise ValueError("broken")\n');
  const { gateways } = await status();
  const [blog] = gateways[0]!.workers.filter(({ application }) => application === 'blog');
  process.kill(blog!.pid!, 'SIGKILL');
  const told = await status(
    (now) => now.state === 'failing' && now.gateways.some(({ bootFailure }) => bootFailure !== null),
  );
  expect(sharesOf('shop', told)).toEqual([1, 1]);
  expect(sharesOf('blog', told)).toEqual([0, 1]);
  const { code, stdout } = await runXgi(['status', ...control], { cwd: project.directory });
  expect(code).toBe(1);
  expect(stdout).toContain('application blog: ');
  expect(await hear(server.url('/'))).toContain('shop|/|front');
});

test('an application with fewer workers than gateways does not start', async () => {
  project.write('xgi.config.yaml', SITE.replace('workers: 2', 'workers: 1'));
  const program = spawnXgi([], { cwd: project.directory });
  expect((await program.exited).code).toBe(2);
  expect(program.stderr).toContain(
    'apps.shop.workers: expected 2 at least, one for each of xgi.config.yaml:2:11: gateways, received 1',
  );
});
