/** What a folder serves without a configuration: by what lies in it. No application is asked here; tests/integration/detect.test.ts does that. */
import { chmodSync, mkdirSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { detectProject } from '../../../src/config/detect-project.js';
import { isProjectFolder } from '../../../src/config/detect.js';
import { findTypescript } from '../../../src/config/detect-typescript.js';
import { ConfigError } from '../../../src/errors.js';
import { makeTempDir, removeTempDir } from '../../support/temp-dir.js';
import { type Tree, writeTree } from '../../support/tree.js';

let folder: string;

beforeEach(() => {
  folder = makeTempDir();
});

afterEach(() => {
  vi.unstubAllEnvs();
  removeTempDir(folder);
});

const detect = async (tree: Tree) => {
  writeTree(folder, tree);
  return await detectProject(folder, () => Promise.resolve(null));
};

const MANAGE = "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'mysite.settings')\n";
const APP = 'app = Flask(__name__)\n';

describe('one thing', () => {
  test.each<[string, Tree, object]>([
    [
      'manage.py, with the wsgi.py of its settings',
      { 'manage.py': MANAGE, 'mysite/wsgi.py': '', 'app.py': APP },
      { target: 'mysite.wsgi:application' },
    ],
    [
      'manage.py, with a wsgi.py above its settings',
      { 'manage.py': MANAGE.replace('settings', 'settings.live'), 'mysite/wsgi.py': '' },
      { target: 'mysite.wsgi:application' },
    ],
    [
      'manage.py without any',
      { 'manage.py': MANAGE },
      { target: 'django.core.wsgi:get_wsgi_application()', env: ['DJANGO_SETTINGS_MODULE=mysite.settings'] },
    ],
    ['a manage.py that is not of Django', { 'manage.py': 'run()', 'app.py': APP }, { target: 'app:app' }],
    [
      'wsgi.py before app.py',
      { 'wsgi.py': 'application = 1', 'app.py': APP },
      { target: 'wsgi:application' },
    ],
    ['def app', { 'app.py': 'def app(environ, start_response):\n' }, { target: 'app:app' }],
    ['an import', { 'wsgi.py': 'from shop import create, app\n' }, { target: 'wsgi:app' }],
    ['a factory', { 'app.py': 'def create_app(test=False):\n  app = 1\n' }, { target: 'app:create_app()' }],
    ['nobody knows', { 'app.py': 'from x import *\n' }, { target: 'app' }],
    [
      'a TypeScript application',
      { 'src/index.ts': 'export default 1' },
      { kind: 'app', target: './src/index.ts' },
    ],
    ['cgi-bin/', { 'cgi-bin/hello': '' }, { kind: 'cgi', target: './cgi-bin', mount: '/cgi-bin' }],
    ['*.cgi', { 'hello.cgi': '', 'index.html': '' }, { kind: 'cgi', target: '.' }],
    ['public/', { 'public/a.txt': '', 'package.json': '{}' }, { kind: 'static', target: './public' }],
    [
      'dist/',
      { 'dist/index.html': '', 'public/a': '', 'index.html': '' },
      { kind: 'static', target: './dist' },
    ],
    [
      'public/ beside a dist/ that is no site',
      { 'dist/a.js': '', 'public/a': '' },
      { kind: 'static', target: './public' },
    ],
    ['index.html', { 'index.html': '', 'css/a.css': '', '.env': '' }, { kind: 'static', target: '.' }],
  ])('%s', async (_, tree, config) => {
    expect((await detect(tree)).config).toEqual(config);
  });
});

describe('several', () => {
  test('all of them', async () => {
    const { config, parts } = await detect({
      'app.py': APP,
      'static/a.css': '',
      'cgi-bin/hello': '',
      'public/index.html': '',
    });
    expect(config).toEqual({
      apps: {
        web: { target: 'app:app' },
        static: { kind: 'static', target: './static' },
        'cgi-bin': { kind: 'cgi', target: './cgi-bin' },
        public: { kind: 'static', target: './public' },
      },
      routes: [
        { path: '/static', app: 'static' },
        { path: '/cgi-bin', app: 'cgi-bin' },
        { app: ['public', 'web'] },
      ],
    });
    expect(parts.map(({ found, use }) => `${found}: ${use}`)).toEqual([
      'app.py: WSGI application app:app',
      './static: static files at /static',
      'cgi-bin/: CGI programs at /cgi-bin',
      'public/: static files',
    ]);
  });

  test('files and programs', async () => {
    const { config } = await detect({ 'cgi-bin/hello': '', 'public/index.html': '' });
    expect(config.routes).toEqual([{ path: '/cgi-bin', app: 'cgi-bin' }, { app: 'public' }]);
  });

  test("a static folder that a Flask application does not use as Flask's", async () => {
    const { config } = await detect({
      'app.py': "app = Flask(__name__, static_folder='x')\n",
      'static/a': '',
    });
    expect(config).toEqual({ target: 'app:app' });
  });
});

describe('what was not meant to be served is not', () => {
  const passedOver = async (tree: Tree): Promise<string> => {
    const error = await detect(tree).then(
      ({ config }) => new Error(JSON.stringify(config)),
      (reason: unknown) => reason as Error,
    );
    expect(error).toBeInstanceOf(ConfigError);
    expect(error).toMatchObject({ code: 'XGI_DETECT_NOTHING' });
    return error.message;
  };

  test('a folder of nothing', async () => {
    expect(await passedOver({ 'notes.txt': '', 'manage.txt': '' })).toMatch(
      /there is nothing to serve in .*; looked for manage\.py, wsgi\.py or app\.py .*xgi static DIR/,
    );
  });

  test.each([
    'package.json',
    'node_modules/x',
    'settings.py',
    'tool.sh',
    'db.sqlite3',
    'server.key',
    'xgi.config.json',
    'prod.env',
    'a.php',
    'src/x',
  ])('an index.html beside %s', async (name) => {
    expect(await passedOver({ 'index.html': '', [name]: '' })).toContain(
      `index.html: passed over: ${name.replace(/\/.*/, '')} beside it would be public too`,
    );
  });

  test.each<[string, Tree]>([
    ['an application', { 'index.html': '', 'app.py': APP }],
    ['CGI programs', { 'index.html': '', 'cgi-bin/hello': '' }],
  ])('an index.html beside %s', async (_, tree) => {
    const { config, notes } = await detect(tree);
    expect(config.apps).toBeUndefined();
    expect(config.target).not.toBe('.');
    expect(notes).toContainEqual({
      found: 'index.html',
      use: expect.stringContaining('passed over') as string,
    });
  });

  test('programs beside an application: its manage.py can be executed too', async () => {
    const { config } = await detect({ 'app.py': APP, 'x.cgi': '' });
    expect(config).toEqual({ target: 'app:app' });
  });

  test('the home of the user', async () => {
    vi.stubEnv('HOME', folder);
    expect(await passedOver({ 'index.html': '' })).toContain('everything in this folder would be public');
  });

  test.each<[string, string]>([
    ['the folder itself', '.'],
    ['a folder above', '..'],
    ['elsewhere', '/etc'],
  ])('public/, dist/ and cgi-bin/ that lead to %s', async (_, to) => {
    writeTree(folder, { 'index.html': '' });
    const message = await passedOver({ public: [to], dist: [to], 'cgi-bin': [to], 'a.py': '' });
    expect(message).toContain('public/: passed over: it is a link that leads out of this folder');
    expect(message).toContain('cgi-bin/: passed over');
  });

  test('a link to another folder inside is followed', async () => {
    expect((await detect({ 'build/site/a': '', public: ['build/site'] })).config.target).toBe('./public');
  });

  test('a dist/ of a library, and a link that leads nowhere or in a circle', async () => {
    await passedOver({
      'dist/index.js': '',
      public: ['nowhere'],
      'cgi-bin': ['cgi-bin'],
      'app.py': ['app.py'],
    });
  });

  test('a folder that cannot be read', async () => {
    await expect(detectProject(path.join(folder, 'none'), () => Promise.resolve(null))).rejects.toMatchObject(
      {
        code: 'XGI_DETECT_FOLDER',
      },
    );
    if (process.geteuid?.() === 0) return;
    chmodSync(folder, 0o000);
    await expect(detect({})).rejects.toThrow('this user may not read it');
    chmodSync(folder, 0o700);
  });
});

describe('a TypeScript application is', () => {
  test.each<[string, Tree]>([
    ['app.ts', { 'app.ts': 'export default { fetch }', 'index.js': 'module.exports = x' }],
    ['server.mjs', { 'app.js': 'listen()', 'server.mjs': 'const a = 1;\nexport { a as default };' }],
    ['index.cjs', { 'index.cjs': 'module.exports = handler' }],
    ['src/index.ts', { 'src/index.ts': '  export default app\n' }],
    ['lib/main.js', { 'lib/main.js': 'export default 1', 'package.json': '{"main": "./lib/main.js"}' }],
  ])('%s', (name, tree) => {
    writeTree(folder, tree);
    expect(findTypescript(folder).part?.app).toEqual({ kind: 'app', target: `./${name}` });
  });

  test.each<[string, Tree]>([
    ['no default export', { 'app.ts': 'export const app = 1; listen("export default")' }],
    ['a comment', { 'app.ts': '// export default\n/* \nexport default x */' }],
    ['a module elsewhere', { 'package.json': '{"main": "../../x.js"}' }],
    ['a link that leads out', { 'app.js': ['/etc/passwd'] }],
    ['a broken package.json', { 'package.json': '{"main": ' }],
    ['a package.json of another kind', { 'package.json': '{"main": ["a.js"], "module": 7}' }],
  ])('not: %s', (_, tree) => {
    writeTree(folder, tree);
    expect(findTypescript(folder).part).toBeUndefined();
  });
});

test('a folder that is named for what is in it, or is a module, is not looked into', () => {
  for (const name of ['public', 'dist', 'cgi-bin', 'site', 'shop']) mkdirSync(path.join(folder, name));
  writeTree(folder, { 'shop/__init__.py': '', 'file.txt': '' });
  const looked = [
    'public',
    './dist/',
    'cgi-bin',
    'site',
    './site',
    '.',
    'shop',
    './shop',
    'file.txt',
    'none',
    '',
  ];
  expect(looked.filter((target) => isProjectFolder(target, realpathSync(folder)))).toEqual([
    'site',
    './site',
    '.',
    './shop',
  ]);
});
