/** `xgi` and `xgi DIR` without a configuration: what is found is served; and what a person is told. */
import { existsSync, mkdirSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import path from 'node:path';
import { run } from '../support/process.js';
import { makeTempDir } from '../support/temp-dir.js';
import { isMissing, testPython } from '../support/test-env.js';
import { type Tree, writeTree } from '../support/tree.js';
import { killAllIn, spawnXgi, startXgi, type XgiOptions, type XgiServer } from '../support/xgi.js';

const APP = `
import os
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return ["|".join(["app", environ["PATH_INFO"], os.getcwd(), os.environ.get("STAGE", "")]).encode()]
`;

const FLASK = `
from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

print("this is not the answer")
inner = Flask("shop", static_folder="assets", static_url_path="/files", root_path=__import__("os").getcwd())

@inner.get("/")
def home():
    return "flask " + __import__("flask").url_for("static", filename="a.css")

application = ProxyFix(inner)
`;

const PROGRAM = '#!/bin/sh\nprintf \'Content-Type: text/plain\\n\\n%s\' "cgi $SCRIPT_NAME"\n';

let folder: string;
let server: XgiServer;

beforeEach(() => {
  folder = makeTempDir();
});

afterEach(() => killAllIn(folder));

async function start(tree: Tree, args: readonly string[] = [], options: XgiOptions = {}): Promise<void> {
  writeTree(folder, tree);
  server = await startXgi([...args, '--control-socket', 'none'], { cwd: folder, ...options });
}

async function hear(where: string): Promise<string> {
  const response = await fetch(server.url(where));
  return `${response.status} ${await response.text()}`;
}

async function fail(
  args: readonly string[],
  options: XgiOptions = {},
): Promise<{ code: number | null; stderr: string }> {
  const program = spawnXgi(args, { cwd: folder, ...options });
  const { code } = await program.exited;
  return { code, stderr: program.stderr };
}

describe.skipIf(isMissing('Django'))('Django', () => {
  beforeEach(async () => {
    const made = await run(testPython(), ['-m', 'django', 'startproject', 'mysite', '.'], { cwd: folder });
    expect(made).toMatchObject({ code: 0 });
  });

  test('a fresh project: the admin with its style sheets, which xgi serves', async () => {
    await start({}, ['-w', '1', '--python', testPython()]);
    expect(await hear('/admin/login/')).toContain('/static/admin/css/base.css');
    const css = await fetch(server.url('/static/admin/css/base.css'));
    expect([css.status, css.headers.get('content-type')]).toEqual([200, 'text/css; charset=utf-8']);
    // Django has none, and would say so in a page.
    expect(css.headers.get('accept-ranges')).toBe('bytes');
    expect(server.stderr).toMatch(
      /^xgi: found in .*:\n {2}manage\.py +Django \d.*, settings mysite\.settings: WSGI application mysite\.wsgi:application\n {2}admin +its static files at \/static: \/.*\n/m,
    );
    expect(server.stderr).toContain('xgi: xgi init writes this to a file\n');
  });

  test('static files of folders and apps, the first that has one; then those that were collected', async () => {
    const settings = `
from .settings_base import *
STATICFILES_DIRS = [BASE_DIR / "own", BASE_DIR / "more", ("pre", BASE_DIR / "prefixed"), BASE_DIR / "none"]
STATIC_URL = "assets/"
STATIC_ROOT = BASE_DIR / "collected"
`;
    const source = await run('cat', ['mysite/settings.py'], { cwd: folder });
    const tree = {
      'mysite/settings_base.py': source.stdout,
      'mysite/settings.py': settings,
      'own/a.txt': 'own',
      'more/a.txt': 'more',
      'more/b.txt': 'more',
      'own/admin/css/base.css': 'mine',
      'prefixed/c.txt': 'prefixed',
    };
    const args = ['-w', '1', '--python', testPython()];
    await start(tree, args);
    expect(await hear('/assets/a.txt')).toBe('200 own');
    expect(await hear('/assets/b.txt')).toBe('200 more');
    expect(await hear('/assets/pre/c.txt')).toBe('200 prefixed');
    expect(await hear('/assets/admin/css/base.css')).toBe('200 mine');
    expect(await hear('/assets/admin/css/login.css')).toContain('200 ');
    await server.stop();
    await start({ 'collected/a.txt': 'collected' }, args);
    expect(await hear('/assets/a.txt')).toBe('200 collected');
    expect(await hear('/assets/b.txt')).toContain('404 ');
  });

  test('with a Python that has no Django: says so, and that it cannot be loaded', async () => {
    const { code, stderr } = await fail(['--python', '/usr/bin/python3', '-e', 'PYTHONNOUSERSITE=1']);
    expect(stderr).toContain('Django could not be asked: ModuleNotFoundError: ');
    expect(code).toBe(3);
  });
});

describe.skipIf(isMissing('Flask'))('Flask', () => {
  test('wrapped, with static files of its own places; what it prints is not the answer', async () => {
    await start({ 'wsgi.py': FLASK, 'assets/a.css': 'a {}' }, ['-w', '1', '--python', testPython()]);
    expect(await hear('/')).toBe('200 flask /files/a.css');
    expect(await hear('/files/a.css')).toBe('200 a {}');
    expect(await hear('/files/none')).toContain('XGI_STATIC_NOT_FOUND');
    expect(server.stderr).toMatch(/wsgi\.py +WSGI application \(Flask \d.*\) wsgi:application\n/);
    expect(server.stderr).toMatch(/\.\/assets +static files at \/files\n/);
  });

  test('a factory; a static folder that is the project is left to Flask', async () => {
    const source = `import flask\ndef create_app():\n    return flask.Flask(__name__, static_folder=".", static_url_path="/s")\n`;
    await start({ 'app.py': source, '.hidden': 'of Flask' }, ['-w', '1', '--python', testPython()]);
    expect(server.stderr).toContain('app:create_app()');
    expect(server.stderr).toContain('left to the application: the whole project would be public');
    // Flask does not hide it, and xgi would.
    expect(await hear('/s/.hidden')).toBe('200 of Flask');
  });
});

describe('a mixture', () => {
  const tree = {
    'app.py': APP,
    'cgi-bin/hello': PROGRAM,
    'public/logo.svg': '<svg/>',
    'index.html': 'never served',
    '.env': 'SECRET=1',
  };

  test('each part at its place, and nothing else', async () => {
    await start(tree, ['-w', '1', '-e', 'STAGE=live', '--cgi-timeout', '5s']);
    expect(await hear('/')).toBe(`200 app|/|${folder}|live`);
    expect(await hear('/logo.svg')).toBe('200 <svg/>');
    expect(await hear('/cgi-bin/hello')).toBe('200 cgi /cgi-bin/hello');
    for (const name of ['app.py', '.env', 'index.html', 'public/logo.svg'])
      expect(await hear(`/${name}`)).toBe(`200 app|/${name}|${folder}|live`);
    expect(server.stderr).toMatch(/index\.html +passed over, as public\/ is what is served\n/);
  });

  test('xgi DIR is as xgi there; flags with relative paths too', async () => {
    writeTree(folder, { 'site/app.py': APP, 'site/public/a': 'a', 'site/lib/x': '' });
    await start({}, ['./site', '-w', '1', '--pythonpath', 'lib']);
    expect(await hear('/')).toBe(`200 app|/|${path.join(folder, 'site')}|`);
    expect(await hear('/a')).toBe('200 a');
    await server.stop();
    await start({}, ['--chdir', 'site', '-w', '1']);
    expect(await hear('/')).toBe(`200 app|/|${path.join(folder, 'site')}|`);
  });

  test('xgi DIR reads the configuration file of DIR; one of the working directory wins', async () => {
    writeTree(folder, {
      'site/shop.py': APP,
      'site/xgi.config.yaml': 'target: shop:app\nworkers: 1\nenv: { STAGE: file }\n',
    });
    await start({}, ['site']);
    expect(await hear('/')).toBe(`200 app|/|${path.join(folder, 'site')}|file`);
    await server.stop();
    writeTree(folder, { 'xgi.config.yaml': 'workers: 1\nenv: { STAGE: mine }\n' });
    expect((await fail(['site'])).stderr).toContain('it is a directory');
  });

  test('a flag that means nothing to any of it', async () => {
    writeTree(folder, { 'cgi-bin/hello': PROGRAM, 'public/a': 'a' });
    expect(await fail(['--workers', '2'])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/XGI_CONFIG_USAGE: --workers means nothing to what was found/) as string,
    });
    expect((await fail(['--cgi-timeout', 'soon'])).stderr).toContain(
      'XGI_CONFIG_VALUE: --cgi-timeout: expected',
    );
  });
});

test('only files: a page, and what lies beside it', async () => {
  await start({ 'index.html': 'home', 'css/a.css': 'a {}', '.git/config': 'secret' });
  expect(await hear('/')).toBe('200 home');
  expect(await hear('/css/a.css')).toBe('200 a {}');
  expect(await hear('/.git/config')).toContain('404 ');
});

test('a TypeScript application behind files, with programs', async () => {
  const source = `const answer: string = 'typescript ';
export default { fetch: (request: Request) => new Response(answer + new URL(request.url).pathname) };\n`;
  await start({ 'server.ts': source, 'package.json': '{}', 'public/a.txt': 'a', 'cgi-bin/hello': PROGRAM });
  expect(await hear('/a.txt')).toBe('200 a');
  expect(await hear('/x')).toBe('200 typescript /x');
  expect(await hear('/package.json')).toBe('200 typescript /package.json');
  expect(await hear('/cgi-bin/hello')).toBe('200 cgi /cgi-bin/hello');
  expect(server.stderr).toMatch(/server\.ts +its default export, a TypeScript application\n/);
});

test('a TypeScript application beside one for WSGI is passed over', async () => {
  await start({ 'server.ts': 'export default 1', 'app.py': APP }, ['-w', '1']);
  expect(await hear('/')).toContain('200 app');
  expect(server.stderr).toMatch(/server\.ts +passed over, as app\.py answers\n/);
});

test('only programs', async () => {
  await start({ 'cgi-bin/hello': PROGRAM });
  expect(await hear('/cgi-bin/hello')).toBe('200 cgi /cgi-bin/hello');
  expect(await hear('/')).toContain('404 ');
});

test('several gateways find the same, and say it once', async () => {
  await start({ 'app.py': APP }, ['-w', '2', '--gateways', '2']);
  expect(await hear('/')).toContain('200 app');
  expect(server.stderr.match(/xgi: found in/g)).toHaveLength(1);
});

describe('an application that', () => {
  test('cannot be loaded: what its file says is served, and why it failed', async () => {
    writeTree(folder, { 'app.py': `app = 1\nraise KeyError("DATABASE_URL")\n` });
    const { code, stderr } = await fail([]);
    expect(stderr).toMatch(/app\.py +read only, as it could not be loaded: KeyError: 'DATABASE_URL'\n/);
    expect(code).toBe(3);
  });

  test('leaves a process and a thread behind is not waited for', async () => {
    const leaves = `import subprocess, threading, time\nsubprocess.Popen(["sleep", "40"], cwd=".")\nthreading.Thread(target=time.sleep, args=(40,), daemon=False).start()\n`;
    const begunAt = performance.now();
    await start({ 'app.py': leaves + APP }, ['-w', '1']);
    expect(server.stderr).toContain('WSGI application app:app\n');
    expect(performance.now() - begunAt).toBeLessThan(10_000);
  });

  test('would run as root is not run', async () => {
    if (process.geteuid?.() !== 0) return;
    writeTree(folder, { 'app.py': `open("was-run", "w")\n${APP}` });
    const { stderr } = await fail([], { allowRoot: false });
    expect(stderr).toContain('it may not be run as root');
    expect(stderr).toContain('--allow-root');
    expect(existsSync(path.join(folder, 'was-run'))).toBe(false);
  });
});

test('nothing there: what was looked for, and the fix', async () => {
  mkdirSync(path.join(folder, 'empty'));
  for (const args of [[], ['empty'], ['check'], ['routes', './empty']]) {
    const { code, stderr } = await fail(args);
    expect(code).toBe(2);
    expect(stderr).toContain('xgi: XGI_DETECT_NOTHING: there is nothing to serve in /');
    expect(stderr).toContain('xgi static DIR');
  }
});
